"""Live source: an index of processes kept by kernel events, and logins remembered after their records are gone."""

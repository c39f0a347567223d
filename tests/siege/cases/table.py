"""Every case of the siege, with its settings, its drop-in and its bounds."""

from tests.siege.cases.full_disk import fill_disk
from tests.siege.cases.half_requests import send_half_requests
from tests.siege.cases.held_connections import hold_dripped_connections, hold_silent_connections
from tests.siege.cases.hung_arguments import hang_arguments
from tests.siege.cases.json_requests import ask_worst_queries_as_json, hold_unread_streams
from tests.siege.cases.malformed_heads import send_malformed_heads
from tests.siege.cases.password_guesses import guess_passwords
from tests.siege.cases.stopped_helpers import stop_helpers
from tests.siege.cases.worst_queries import ask_worst_queries
from tests.siege.siege import METHODS, ROOT, Bounds, Case

MANY = "max_connections = 5000\nmax_connections_per_address = 5000\n"
FEW_DESCRIPTORS = "LimitNOFILE=256\n"

CASES = (
    Case("stopped-helpers", stop_helpers, METHODS, ROOT, Bounds(log_lines=40)),
    Case("silent", hold_silent_connections),
    Case("dripped", hold_dripped_connections),
    Case("silent-many", hold_silent_connections, MANY),
    Case("silent-few-descriptors", hold_silent_connections, drop_in=FEW_DESCRIPTORS, bounds=Bounds(log_lines=4)),
    Case("worst-queries", ask_worst_queries, bounds=Bounds(administrator_seconds=1.0)),
    Case("json-queries", ask_worst_queries_as_json, bounds=Bounds(administrator_seconds=1.0)),
    # each of a user's 50 streams holds a batch of 64 processes with 33,000 characters of arguments: 2.1 MB
    Case("unread-streams", hold_unread_streams, bounds=Bounds(growth=130)),
    Case("hung-arguments", hang_arguments),
    Case("half-requests", send_half_requests),
    Case("full-disk", fill_disk, METHODS, ROOT),
    # Each thread that checks passwords takes 19 MiB for it, and keeps up to 4 MiB.
    Case("password-guesses", guess_passwords, bounds=Bounds(growth=250, remainder=60, log_lines=1000)),
    Case("malformed-heads", send_malformed_heads),
)

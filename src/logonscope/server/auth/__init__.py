"""Who calls? What a request and its connection prove, as a Caller; nobody is let in without."""

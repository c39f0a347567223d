"""Runs inside the machine: prints the refused attempts that its journal reports, as JSON lines."""

import json
import time

from logonscope.sources.live.login_reports import LoginReports


def main() -> None:
    """Print until the process is ended."""
    reports = LoginReports("/", int)
    reports.start()
    print("{}", flush=True)
    while True:
        # the kernel's events of a container are those of the host: su and sudo are believed here
        for report in reports.take(lambda pid, moment: pid > 0 and moment > 0):
            if report.attempt is not None:
                print(json.dumps(report.attempt._asdict()), flush=True)
        time.sleep(0.1)


if __name__ == "__main__":
    main()

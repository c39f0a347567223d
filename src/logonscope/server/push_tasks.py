"""The deliveries of pushed subscriptions: a task of the event loop for each, and a pool of threads for all."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from logonscope.dispatch.push_receivers import PushReceivers
from logonscope.dispatch.pushes import EventPush, origin_of
from logonscope.errors import LogonscopeError
from logonscope.machine import Deadline
from logonscope.server.end_notices import EndNotices
from logonscope.server.event_wait import EventWait
from logonscope.server.http_poster import Origin
from logonscope.server.streamed_response import PooledResponse
from logonscope.server.worker_pool import Claimant, WorkerPool

STEP_LIMIT_SECONDS = 60.0
"""Maximum seconds of a step of a delivery, including its wait for a thread; a longer step ends the delivery."""

_log = logging.getLogger(__name__)


class PushTasks:
    """Runs deliveries until their subscriptions end.

    It has threads of its own: slow receivers must not delay requests.
    """

    def __init__(self, workers: int, receivers: Sequence[str] = ()) -> None:
        """Create the object, without deliveries.

        Args:
            workers: the number of threads.
            receivers: the servers to which events may be sent, as URLs.
        """
        self.receivers = PushReceivers([str(Origin(*origin_of(receiver))) for receiver in receivers])
        self.pool = WorkerPool(workers, "push")
        self._tasks: dict[asyncio.Task[None], EventPush] = {}
        self._end_notices = EndNotices()

    def __repr__(self) -> str:
        return f"<PushTasks: {len(self._tasks)} deliveries>"

    def start(self, push: EventPush, claimant: Claimant) -> None:
        """Start a delivery; called in the event loop."""
        # a limit of threads for each receiver: a receiver that does not answer must not delay the other receivers of
        # this caller
        push_claimant = Claimant((claimant.key, push.channel.receiver))
        task = asyncio.get_running_loop().create_task(self._run(push, push_claimant))
        # the event loop has only a weak reference to the task
        self._tasks[task] = push
        task.add_done_callback(self._tasks.pop)

    def begin_stop(self) -> None:
        """End all deliveries, and start to report their ends to the subscribers; called in the event loop."""
        self._end_notices.begin_stop()
        for push in self._tasks.values():
            push.shut_down()
            self._report_end(push)

    def stop(self) -> None:
        """Wait until the ends are reported, for some seconds at most."""
        self._end_notices.stop()

    def _report_end(self, push: EventPush) -> None:
        # The end is removed here: at a stop, the task of the delivery ends later, and must not report it again.
        ending, push.ending = push.ending, None
        if ending is not None:
            self._end_notices.add(push.channel, ending)

    async def _run(self, push: EventPush, claimant: Claimant) -> None:
        wait = EventWait(push)
        push.record = self.receivers.open_record(push.channel.receiver)
        try:
            is_over = False
            while not is_over:
                await wait.until_due()
                is_over = await self.pool.run(claimant, push.step, Deadline(STEP_LIMIT_SECONDS), _never)
        # no thread became free in time, or the step hangs
        except LogonscopeError as error:
            push.abort(str(error))
        except Exception:  # noqa: BLE001 -- a programming error: the log has the traceback
            _log.exception("internal error in the delivery of events")
            push.abort("internal error")
        finally:
            wait.close()
            push.record.close()
            self._report_end(push)


async def _never() -> None:
    """Wait forever: a delivery has no client that disconnects."""
    await asyncio.get_running_loop().create_future()


class PushStartResponse(PooledResponse):
    """The response to a Subscribe message whose events are pushed: once it is sent, the delivery starts."""

    def __init__(self, response: Response, push: EventPush, tasks: PushTasks) -> None:
        super().__init__(response.body, response.status_code)
        self.raw_headers = response.raw_headers
        self._start = partial(tasks.start, push)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, and start the delivery."""
        await super().__call__(scope, receive, send)
        # an event must not come before the id of its subscription
        self._start(self.claimant)

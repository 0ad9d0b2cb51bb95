"""`python -m tests.faults --port 8123 --seed 7`: the faulty API as a process of its own, until it is told to stop."""

import argparse
import asyncio
import signal

from tests.faults.plan import Fault, Plan
from tests.faults.server import fault_server


async def serve(plan: Plan, port: int) -> None:
    """Print the address, and serve until SIGINT or SIGTERM."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with fault_server(plan, port=port) as server:
        print(server.url, flush=True)
        await over.wait()


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one, and the address is printed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.5, help="of the requests that something goes wrong with")
    parser.add_argument("--always", type=Fault, choices=list(Fault), help="this fault with every request")
    given = parser.parse_args()
    asyncio.run(serve(Plan(given.seed, given.share, given.always), given.port))


main()

"""A training run's clock: how much of its time budget is used, and when to report and to save."""

import time


class Clock:
    """Counts the seconds spent in steps. A step that the machine suspended counts as an ordinary one."""

    def __init__(self, minutes: float, *, used_s: float = 0.0) -> None:
        self._budget_s = minutes * 60
        self.used_s = used_s
        self._last_s = time.monotonic()
        self._usual_s: float | None = None

    def tick(self) -> None:
        """One step is done."""
        now_s = time.monotonic()
        step_s, self._last_s = now_s - self._last_s, now_s
        if self._usual_s is not None:
            step_s = min(step_s, 5 * self._usual_s)
        self._usual_s = step_s if self._usual_s is None else 0.95 * self._usual_s + 0.05 * step_s
        self.used_s += step_s

    @property
    def part(self) -> float:
        """How much of the budget is used, 0…1."""
        return min(1.0, self.used_s / self._budget_s)

    @property
    def is_over(self) -> bool:
        """Whether the budget is used up."""
        return self.used_s >= self._budget_s


def learning_rate(part: float, *, step: int, warm_up: int = 100, flat_until: float = 0.4) -> float:
    """Factor on the learning rate: a short linear rise, a plateau, then a straight line down to 2 %."""
    return min(1.0, (step + 1) / warm_up) * (1.0 if part < flat_until else max(0.02, (1 - part) / (1 - flat_until)))

"""What is started on the way into ``with``, and put away when that fails as it is at the end."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Started(ABC):
    """A context that starts something of its own."""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what was started, however far that came."""

    @abstractmethod
    def _start(self) -> None:
        """Start it, and return when it can be used."""

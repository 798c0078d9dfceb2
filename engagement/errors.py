"""Every error that the product raises on purpose.

EngagementError
├── InvalidTokenError (ValueError)      a tracked URL's token does not verify: neutral answer
├── InvalidRequestError (ValueError)    400, the request cannot be understood
│   ├── UnprocessableError              422, understood, but a rule of the product forbids it
│   └── TooLargeError                   413
├── UnauthorizedError                   401
├── ForbiddenError                      403
├── NotFoundError (LookupError)         404
│   └── StoreMissingError               503, the table or container that it would be in is gone
├── ConflictError                       409
├── PreconditionFailedError             412, what the caller has seen is not current any more
├── RangeNotSatisfiableError            416
├── TooManyRequestsError                429, more than the limit of a minute
├── StorageError                        503, try again; the SDK's error is its cause
└── RemoteError                         502, a mail server, Graph, Entra or the CRM failed

ConfigurationError                      nothing is served; outside, so that nothing swallows it
TriggerError                            a timer or queue function failed: for the host, not callers
"""

from __future__ import annotations


class EngagementError(Exception):
    """Base of every error that a caller of the product may see."""

    status = 500

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        #: str, one sentence for the caller, without personal data
        self.detail = detail


class InvalidTokenError(EngagementError, ValueError):
    """A tracking token is malformed, forged, revoked or of another kind."""

    status = 404


class InvalidRequestError(EngagementError, ValueError):
    """The request cannot be understood; *field* names what is wrong, if one thing is."""

    status = 400

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        #: str or None, dotted path of the field in the request, e.g. ``recipients[0].email``
        self.field = field


class UnprocessableError(InvalidRequestError):
    """The request is well formed, but a rule of the product forbids it."""

    status = 422


class TooLargeError(InvalidRequestError):
    """The request is larger than a limit, which the detail states."""

    status = 413


class UnauthorizedError(EngagementError):
    """The caller showed no credential, or one that does not hold here."""

    status = 401

    def __init__(self, detail: str, challenge: str = "Bearer") -> None:
        super().__init__(detail)
        #: str, what the answer has in WWW-Authenticate (RFC 6750, section 3)
        self.challenge = challenge


class ForbiddenError(EngagementError):
    """The caller is known, but may not do this."""

    status = 403


class NotFoundError(EngagementError, LookupError):
    """What the request names does not exist."""

    status = 404


class StoreMissingError(NotFoundError):
    """The table or container that it would be in is gone, or being deleted.

    Of an organization that is being deleted that is as it should be. Of another one somebody has
    to look after it, and until then nobody may take what it holds for deleted.
    """

    status = 503


class ConflictError(EngagementError):
    """What the request wants clashes with what is stored."""

    status = 409


class PreconditionFailedError(EngagementError):
    """What is to be changed is not what the caller has seen (If-Match)."""

    status = 412


class RangeNotSatisfiableError(EngagementError):
    """The part of a file that was asked for is not in it."""

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__("This part is not in the file.")
        #: int, size of the whole file in bytes
        self.size = size


class TooManyRequestsError(EngagementError):
    """The caller, or the source of the request, has spent what it may in this minute."""

    status = 429

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        #: float, seconds after which there are tries again
        self.retry_after = retry_after


class StorageError(EngagementError):
    """A store did not answer, or answered that it cannot now; trying again may help."""

    status = 503

    @property
    def hung(self) -> bool:
        """Whether the store did not answer at all, rather than refuse."""
        return isinstance(self.__cause__, TimeoutError)


class RemoteError(EngagementError):
    """A system that the product calls failed."""

    status = 502

    def __init__(
        self, detail: str, *, ambiguous: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        #: bool, the other side may have done what was asked, so it must not be repeated blindly
        self.ambiguous = ambiguous
        #: float or None, seconds after which trying again may help; then nothing was done for sure
        self.retry_after = retry_after


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message names it, and never holds its value."""


class TriggerError(Exception):
    """A timer or queue function failed; the host tries again, and is told no more."""

"""Every target of fuzzing by its name."""

from __future__ import annotations

from fuzzing import markup, outgoing, requested, stored
from fuzzing.target import Target

TARGETS: dict[str, Target] = {
    **requested.TARGETS,
    **markup.TARGETS,
    **outgoing.TARGETS,
    **stored.TARGETS,
}

"""Verdicts, described: the rules that hold, and scoring by them again."""

from __future__ import annotations

from engagement.domain.verdicts.rule import Certainty, ClientKind, Scope
from engagement.domain.verdicts.verdict import Verdict
from engagement.domain.verdicts.verdict_settings_patch import HIGHEST
from engagement.functions.openapi.operation import CONTINUATION, Operation, Subject, found
from engagement.functions.openapi.schema import COUNT, TEXT, answered, items, nullable, one_of, ref

TAG = "Verdicts"

SUBJECT = Subject(
    TAG,
    "How people are told from machines.",
    {
        "get_rules": Operation(
            tag=TAG,
            summary="Read the rules that hold, in their order",
            answers=found("Rules", "The rules."),
        ),
        "score_again": Operation(
            tag=TAG,
            summary="Judge all that was kept again",
            parameters=(CONTINUATION,),
            answers=found("ScoreReport", "What changed."),
            problems=(409,),
        ),
    },
    {
        "Rules": answered(
            {
                "version": TEXT,
                "windows": answered(dict.fromkeys(HIGHEST, COUNT)),
                "off": items(TEXT),
                "networks": items(
                    answered(
                        {
                            "name": TEXT,
                            "scope": one_of(Scope),
                            "certainty": one_of(Certainty),
                            "ranges": items(TEXT),
                        }
                    )
                ),
                "user_agents": items(
                    answered(
                        {
                            "name": TEXT,
                            "kind": one_of(ClientKind),
                            "scope": one_of(Scope),
                            "client": nullable(TEXT),
                        }
                    )
                ),
            }
        ),
        "ScoreReport": answered(
            {
                "rules": TEXT,
                "message_count": COUNT,
                "changed_count": COUNT,
                "changes": items(ref("VerdictChange")),
                "restated_count": COUNT,
                "continuation": nullable(TEXT),
            }
        ),
        "VerdictChange": answered({"from": one_of(Verdict), "to": one_of(Verdict), "count": COUNT}),
    },
)

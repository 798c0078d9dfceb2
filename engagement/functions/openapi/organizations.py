"""Organizations and their API keys, described."""

from __future__ import annotations

from engagement.functions.api_organizations import LONGEST_NAME
from engagement.functions.openapi.operation import DONE, Answer, Operation, Subject, found, made
from engagement.functions.openapi.schema import MOMENT, TEXT, answered, nullable, page_of, read, ref
from engagement.functions.openapi.schema import text as line

TAG = "Organizations"

KEY = {
    "key_id": {**TEXT, "description": "Names the key, and is no secret."},
    "api_key": {**TEXT, "description": "The secret, shown this once."},
}
ORGANIZATION = {"id": TEXT, "name": TEXT}

SUBJECT = Subject(
    TAG,
    "CRM environments, each with data and keys of its own.",
    {
        "put_organization": Operation(
            tag=TAG,
            summary="Create or rename an organization",
            description="The first answer holds the first API key, which is not shown again.",
            request=ref("NewOrganization"),
            answers={
                200: Answer("It was there, and has this name now.", ref("Organization")),
                201: Answer("It was created.", ref("CreatedOrganization")),
            },
            problems=(409,),
        ),
        "delete_organization": Operation(
            tag=TAG,
            summary="Delete an organization with everything in it",
            answers=DONE,
            problems=(409,),
        ),
        "get_api_keys": Operation(
            tag=TAG,
            summary="List the API keys of an organization",
            description="Oldest first, without their secrets.",
            answers=found("ApiKeyPage"),
        ),
        "post_api_key": Operation(
            tag=TAG,
            summary="Issue another API key",
            answers=made("IssuedKey", "The key, shown this once."),
            problems=(409, 422),
        ),
        "delete_api_key": Operation(
            tag=TAG, summary="Revoke an API key at once", answers=DONE, problems=(409,)
        ),
    },
    {
        "NewOrganization": read(
            {"name": line(LONGEST_NAME)}, needed=["name"], examples=[{"name": "Contoso"}]
        ),
        "Organization": answered(ORGANIZATION),
        "CreatedOrganization": answered({**ORGANIZATION, **KEY}),
        "ApiKey": answered({"key_id": TEXT, "created_at": nullable(MOMENT)}),
        "ApiKeyPage": page_of("ApiKey"),
        "IssuedKey": answered(KEY),
    },
)

"""What schemathesis cannot make up: ids of conversations that are there, and streams that end."""

import itertools
import os

import schemathesis

CONVERSATIONS = os.environ["LOQUAT_CONVERSATIONS"].split()
TURN = itertools.count()


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    # Three of four requests are about a conversation of the asker's own.
    if path_parameters and "conversation" in path_parameters and next(TURN) % 4:
        path_parameters["conversation"] = CONVERSATIONS[next(TURN) % len(CONVERSATIONS)]
    if path_parameters and "id" in path_parameters and next(TURN) % 2:
        path_parameters["id"] = "urn%3Abhutan"
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    # An open stream has no end that could be waited for.
    if context.operation.path.endswith("/events") and (not query or query.get("wait") in (None, True, "true")):
        return {"wait": "false"}
    return query

"""What schemathesis cannot make up: ids of what is there, and streams that end."""

import itertools
import os

import schemathesis

CONVERSATIONS = os.environ["LOQUAT_CONVERSATIONS"].split()
FILE = os.environ["LOQUAT_FILE"]
TURN = itertools.count()


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not path_parameters:
        return path_parameters
    # Three of four requests are about a conversation of the asker's own; the file is in the first.
    if "conversation" in path_parameters and next(TURN) % 4:
        own = CONVERSATIONS[0] if "file" in path_parameters else CONVERSATIONS[next(TURN) % len(CONVERSATIONS)]
        path_parameters["conversation"] = own
        if "file" in path_parameters:
            path_parameters["file"] = FILE
    if "id" in path_parameters and next(TURN) % 2:
        path_parameters["id"] = "urn%3Abhutan"
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    # An open stream has no end that could be waited for.
    if context.operation.path.endswith("/events") and (not query or query.get("wait") in (None, True, "true")):
        return {"wait": "false"}
    return query

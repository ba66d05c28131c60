"""The Python client of OpenAI, used as its documentation says. Whatever does not hold ends the script with an error."""

import asyncio
import json

import openai
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

client = OpenAI(max_retries=0)
CAPITAL = "What is the capital of Bhutan?"


def ask(model, question, **further):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}], **further)


def check_grounded():
    answer = ask("Mira", CAPITAL)
    message = answer.choices[0].message
    assert message.content == "Grüß dich! The capital of Bhutan is Thimphu.", message
    assert answer.usage.total_tokens == 38, answer.usage
    citation = message.annotations[0].url_citation
    assert citation.url == "https://example.org/world?a=1", message.annotations
    assert message.content[citation.start_index : citation.end_index] == "The capital of Bhutan is Thimphu."
    assert answer.loquat["outcome"] == "answered", answer.loquat
    # Earlier turns are sent again by the client; the second answer cites a file, which has no address.
    chat = [
        {"role": "user", "content": CAPITAL},
        message,
        {"role": "user", "content": "And its currency?"},
    ]
    follow_up = client.chat.completions.create(model="Mira", messages=chat)
    said = follow_up.choices[0].message
    assert "ngultrum" in said.content, said
    assert said.annotations[0].type == "loquat_citation", said.annotations
    assert said.annotations[0].loquat_citation["source"] == "money.ttl", said.annotations
    follow_up.model_dump_json()


def check_streams():
    stream = ask("Mira", CAPITAL, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "Grüß dich! The capital of Bhutan is Thimphu.", text
    assert chunks[-1].usage.completion_tokens == 7 and not chunks[-1].choices, chunks[-1]
    assert chunks[-2].choices[0].finish_reason == "stop"
    # The helper that puts a stream together again.
    for model, expected in [("Mira", text), ("scripted", "you said hi")]:
        question = CAPITAL if model == "Mira" else "hi"
        chat = [{"role": "user", "content": question}]
        with client.chat.completions.stream(model=model, messages=chat) as events:
            kinds = [event.type for event in events]
            whole = events.get_final_completion()
        assert "content.delta" in kinds and "content.done" in kinds, kinds
        assert whole.choices[0].message.content == expected, whole
        annotations = whole.choices[0].message.annotations
        assert (model == "Mira") == bool(annotations), whole
    # Chunks have a choice each where usage is not asked for.
    assert all(chunk.choices for chunk in ask("scripted", "hi", stream=True))


def check_options():
    answer = ask("scripted", "one two three", stop=" two", temperature=0, max_tokens=50)
    assert answer.choices[0].message.content == "you said one", answer
    one, two = (ask("scripted", "x", seed=11, temperature=1) for _ in range(2))
    assert one.choices[0].message.content == two.choices[0].message.content == "seed 11 says x"
    assert one.system_fingerprint == two.system_fingerprint
    cut = ask("scripted", "a b c", max_completion_tokens=2)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens == 2, cut.usage
    probable = ask("scripted", "x", logprobs=True, top_logprobs=2)
    tokens = probable.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == probable.choices[0].message.content
    assert bytes(tokens[0].bytes).decode() == "you " and tokens[0].top_logprobs[1].bytes is None
    several = ask("scripted", "x", n=2, seed=1, temperature=1)
    assert [choice.index for choice in several.choices] == [0, 1]
    loose = ask("loquat", "hi", extra_body={"grounding": False})
    assert loose.choices[0].message.content == "you said hi", loose
    listed = ask("scripted", "hi", user="ann", metadata={"a": "b"}, store=False, reasoning_effort="low")
    assert listed.choices[0].message.content == "you said hi"


class Place(BaseModel):
    """A place."""

    city: str
    population: int


def check_schemas():
    chat = [{"role": "user", "content": "Where?"}]
    parsed = client.chat.completions.parse(model="scripted", messages=chat, response_format=Place)
    assert parsed.choices[0].message.parsed == Place(city="Thimphu", population=114551), parsed
    with client.chat.completions.stream(model="scripted", messages=chat, response_format=Place) as events:
        for _ in events:
            pass
        assert events.get_final_completion().choices[0].message.parsed.city == "Thimphu"
    loose = ask("scripted", "x", response_format={"type": "json_object"})
    assert json.loads(loose.choices[0].message.content) == {"any": True}


def check_tools():
    tool = openai.pydantic_function_tool(Place, name="place")
    chat = [{"role": "user", "content": "Where?"}]
    choice = {"type": "function", "function": {"name": "place"}}
    answer = client.chat.completions.parse(model="scripted", messages=chat, tools=[tool], tool_choice=choice)
    assert answer.choices[0].finish_reason == "tool_calls", answer
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.parsed_arguments.city == "Thimphu", call
    # The call and its result are sent back.
    chat += [answer.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "in the mountains"}]
    answer = client.chat.completions.create(model="scripted", messages=chat, tools=[tool], tool_choice="none")
    assert "in the mountains" in answer.choices[0].message.content, answer
    with client.chat.completions.stream(
        model="scripted", messages=chat[:1], tools=[tool], tool_choice="required"
    ) as events:
        kinds = [event.type for event in events]
        whole = events.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds, kinds
    assert whole.choices[0].message.tool_calls[0].function.parsed_arguments.population == 114551, whole


def check_embeddings():
    # Without a format the client asks for base64, and takes it apart.
    coded = client.embeddings.create(model="hashed", input=["a", "b"])
    plain = client.embeddings.create(model="hashed", input="a", encoding_format="float")
    assert len(coded.data) == 2 and len(coded.data[0].embedding) == 8, coded
    pairs = zip(coded.data[0].embedding, plain.data[0].embedding)
    assert all(abs(one - other) < 1e-6 for one, other in pairs), (coded, plain)
    assert coded.model == "hashed" and coded.usage.total_tokens == 0


def check_models():
    assert [model.id for model in client.models.list()] == ["Mira", "scripted", "hashed"]
    assert client.models.retrieve("scripted").owned_by == "loquat"


def check_errors():
    def refused(kind, act, code=None, param=None):
        try:
            act()
        except kind as error:
            assert type(error) is kind, error
            assert (error.code, error.param) == (code, param), (error.code, error.param, error)
            return error
        raise AssertionError(f"{kind.__name__} was not raised")

    stranger = OpenAI(api_key="wrong", max_retries=0)
    refused(openai.AuthenticationError, lambda: stranger.models.list(), "unauthorised")
    refused(openai.NotFoundError, lambda: ask("gpt-5", "x"), "model_not_found", "model")
    refused(openai.NotFoundError, lambda: client.models.retrieve("gpt-5"), "model_not_found", "model")
    refused(openai.NotFoundError, lambda: client.files.list())
    hot = refused(openai.BadRequestError, lambda: ask("scripted", "x", temperature=3), "invalid_value", "temperature")
    assert "temperature" in str(hot)
    asked = refused(openai.BadRequestError, lambda: ask("Mira", "x", logprobs=True), "unsupported_value", "logprobs")
    assert "extra_body" in str(asked), asked
    refused(openai.BadRequestError, lambda: ask("scripted", "word " * 1001), "context_length_exceeded", "messages")
    refused(openai.InternalServerError, lambda: ask("scripted", "break"), "server_error")
    refused(
        openai.BadRequestError,
        lambda: client.embeddings.create(model="hashed", input=[1, 2]),
        "unsupported_value",
        "input",
    )
    refused(openai.BadRequestError, lambda: list(ask("scripted", "refuse", stream=True)), "invalid_request")
    refused(openai.APIError, lambda: list(ask("scripted", "break off", stream=True)), "server_error")


def check_cancel():
    stream = ask("scripted", "count", stream=True)
    for chunk in stream:
        if "3" in (chunk.choices[0].delta.content or ""):
            break
    stream.close()

    async def cancel():
        patient = AsyncOpenAI(max_retries=0)
        chat = [{"role": "user", "content": "count"}]
        asking = asyncio.create_task(patient.chat.completions.create(model="scripted", messages=chat))
        await asyncio.sleep(0.3)
        asking.cancel()
        try:
            await asking
        except asyncio.CancelledError:
            return
        raise AssertionError("it was not cancelled")

    asyncio.run(cancel())


for name, check in list(globals().items()):
    if name.startswith("check_"):
        check()
        print("ok", name, flush=True)

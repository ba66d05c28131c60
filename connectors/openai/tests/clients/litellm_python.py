"""litellm, through which many tools reach a server that speaks OpenAI's API. Whatever does not hold ends the script with an error."""

import os

import litellm

CAPITAL = "What is the capital of Bhutan?"
litellm.suppress_debug_info = True
reached = {"api_base": os.environ["OPENAI_BASE_URL"], "api_key": os.environ["OPENAI_API_KEY"], "max_retries": 0}


def ask(model, question, **further):
    chat = [{"role": "user", "content": question}]
    return litellm.completion(model=f"openai/{model}", messages=chat, **reached, **further)


def check_grounded():
    answer = ask("Mira", CAPITAL)
    message = answer.choices[0].message
    assert message.content == "Grüß dich! The capital of Bhutan is Thimphu.", message
    assert message.annotations[0]["url_citation"]["url"] == "https://example.org/world?a=1", message
    assert answer.usage.total_tokens == 38
    chat = [{"role": "user", "content": CAPITAL}, message, {"role": "user", "content": "And its currency?"}]
    follow_up = litellm.completion(model="openai/Mira", messages=chat, **reached)
    assert "ngultrum" in follow_up.choices[0].message.content, follow_up
    # Annotations of types that OpenAI does not have are set apart.
    others = follow_up.choices[0].message.provider_specific_fields["annotations"]
    assert others[0]["loquat_citation"]["source"] == "money.ttl", follow_up
    follow_up.model_dump()


def check_streams():
    chunks = list(ask("Mira", CAPITAL, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "Grüß dich! The capital of Bhutan is Thimphu.", text
    whole = litellm.stream_chunk_builder(chunks)
    assert whole.choices[0].message.content == text
    assert whole.usage.total_tokens == 38, whole.usage
    assert "".join(chunk.choices[0].delta.content or "" for chunk in ask("scripted", "hi", stream=True)) == "you said hi"


def check_options():
    assert ask("scripted", "one two", stop=[" two"]).choices[0].message.content == "you said one"
    assert ask("scripted", "x", seed=3, temperature=1).choices[0].message.content == "seed 3 says x"
    loose = ask("loquat", "hi", extra_body={"grounding": False})
    assert loose.choices[0].message.content == "you said hi", loose
    probable = ask("scripted", "x", logprobs=True, top_logprobs=1)
    assert probable.choices[0].logprobs.content[0].token == "you "


def check_tools():
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    answer = ask("scripted", "x", tools=[tool], tool_choice="required")
    call = answer.choices[0].message.tool_calls[0]
    assert call.function.name == "weather" and "Thimphu" in call.function.arguments, call
    schema = {"type": "json_schema", "json_schema": {"name": "place", "strict": True, "schema": parameters}}
    assert "Thimphu" in ask("scripted", "x", response_format=schema).choices[0].message.content


def check_embeddings():
    found = litellm.embedding(model="openai/hashed", input=["a", "b"], **reached)
    assert len(found.data) == 2 and len(found.data[0]["embedding"]) == 8, found


def check_errors():
    def refused(kind, act):
        try:
            act()
        except kind:
            return
        raise AssertionError(f"{kind.__name__} was not raised")

    refused(litellm.NotFoundError, lambda: ask("gpt-none", "x"))
    refused(litellm.BadRequestError, lambda: ask("Mira", "x", logprobs=True))
    refused(litellm.ContextWindowExceededError, lambda: ask("scripted", "word " * 1001))
    refused(litellm.InternalServerError, lambda: ask("scripted", "break"))
    reached["api_key"] = "wrong"
    refused(litellm.AuthenticationError, lambda: ask("scripted", "x"))


for name, check in list(globals().items()):
    if name.startswith("check_"):
        check()
        print("ok", name, flush=True)

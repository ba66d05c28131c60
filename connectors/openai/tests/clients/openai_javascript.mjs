// The JavaScript client of OpenAI, used as its documentation says. Whatever does not hold ends the script with an error.

import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ maxRetries: 0 });
const CAPITAL = 'What is the capital of Bhutan?';

const body = (model, question, further = {}) => ({
  model,
  messages: [{ role: 'user', content: question }],
  ...further,
});
const ask = (...request) => client.chat.completions.create(body(...request));

const checks = {
  async grounded() {
    const answer = await ask('Mira', CAPITAL);
    const message = answer.choices[0].message;
    assert.equal(message.content, 'Grüß dich! The capital of Bhutan is Thimphu.');
    const cited = message.annotations[0].url_citation;
    assert.equal(cited.url, 'https://example.org/world?a=1');
    assert.equal([...message.content].slice(cited.start_index, cited.end_index).join(''), 'The capital of Bhutan is Thimphu.');
    assert.equal(answer.loquat.outcome, 'answered');
    const messages = [{ role: 'user', content: CAPITAL }, message, { role: 'user', content: 'And its currency?' }];
    const followUp = await client.chat.completions.create({ model: 'Mira', messages });
    assert.match(followUp.choices[0].message.content, /ngultrum/);
    assert.equal(followUp.choices[0].message.annotations[0].loquat_citation.source, 'money.ttl');
  },

  async streams() {
    const stream = await ask('Mira', CAPITAL, { stream: true, stream_options: { include_usage: true } });
    let text = '';
    let last;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      last = chunk;
    }
    assert.equal(text, 'Grüß dich! The capital of Bhutan is Thimphu.');
    assert.deepEqual([last.choices, last.usage.total_tokens], [[], 38]);
    for (const [model, question] of [['Mira', CAPITAL], ['scripted', 'hi']]) {
      const runner = client.chat.completions.stream(body(model, question));
      const whole = await runner.finalChatCompletion();
      assert.equal(whole.choices[0].message.content, model === 'Mira' ? text : 'you said hi');
    }
  },

  async options() {
    const answer = await ask('scripted', 'one two three', { stop: [' two'], temperature: 0, user: 'ann', store: false });
    assert.equal(answer.choices[0].message.content, 'you said one');
    const seeded = await ask('scripted', 'x', { seed: 11, temperature: 1 });
    assert.equal(seeded.choices[0].message.content, 'seed 11 says x');
    const cut = await ask('scripted', 'a b c', { max_completion_tokens: 2 });
    assert.deepEqual([cut.choices[0].finish_reason, cut.usage.completion_tokens], ['length', 2]);
    const probable = await ask('scripted', 'x', { logprobs: true, top_logprobs: 1 });
    const tokens = probable.choices[0].logprobs.content;
    assert.equal(tokens.map((token) => token.token).join(''), probable.choices[0].message.content);
    const loose = await ask('loquat', 'hi', { grounding: false });
    assert.equal(loose.choices[0].message.content, 'you said hi');
  },

  async schemas() {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' }, population: { type: 'integer' } },
      required: ['city', 'population'],
      additionalProperties: false,
    };
    const response_format = { type: 'json_schema', json_schema: { name: 'place', strict: true, schema } };
    const parsed = await client.chat.completions.parse(body('scripted', 'Where?', { response_format }));
    assert.deepEqual(parsed.choices[0].message.parsed, { city: 'Thimphu', population: 114551 });
    const tools = [{ type: 'function', function: { name: 'place', strict: true, parameters: schema } }];
    const called = await client.chat.completions.parse(body('scripted', 'Where?', { tools, tool_choice: 'required' }));
    assert.equal(called.choices[0].finish_reason, 'tool_calls');
    const call = called.choices[0].message.tool_calls[0].function;
    assert.equal(call.parsed_arguments.city, 'Thimphu');
    const runner = client.chat.completions.stream(body('scripted', 'Where?', { tools, tool_choice: 'required' }));
    const final = await runner.finalFunctionToolCall();
    assert.equal(JSON.parse(final.arguments).population, 114551);
  },

  async tools_are_run() {
    // The helper that calls functions for the model, and tells it what they came to.
    let asked;
    const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const lookUp = (given) => {
      asked = given;
      return 'sunny';
    };
    const tool = { type: 'function', function: { name: 'weather', parse: JSON.parse, function: lookUp, parameters } };
    const runner = client.chat.completions.runTools(body('scripted', 'call it', { tools: [tool] }));
    const final = await runner.finalContent();
    assert.deepEqual(asked, { city: 'Thimphu' });
    assert.match(final, /sunny/);
  },

  async embeddings() {
    const coded = await client.embeddings.create({ model: 'hashed', input: ['a', 'b'] });
    const plain = await client.embeddings.create({ model: 'hashed', input: 'a', encoding_format: 'float' });
    assert.deepEqual([coded.data.length, coded.data[0].embedding.length], [2, 8]);
    coded.data[0].embedding.forEach((x, at) => assert.ok(Math.abs(x - plain.data[0].embedding[at]) < 1e-6));
  },

  async models() {
    const models = [];
    for await (const model of client.models.list()) models.push(model.id);
    assert.deepEqual(models, ['Mira', 'scripted', 'hashed']);
    assert.equal((await client.models.retrieve('scripted')).object, 'model');
  },

  async errors() {
    const refused = async (kind, code, param, act) => {
      const error = await act().then(() => assert.fail(`${kind.name} was not raised`), (error) => error);
      assert.equal(error.constructor, kind, error.stack);
      assert.deepEqual([error.code, error.param], [code, param]);
    };
    const stranger = new OpenAI({ apiKey: 'wrong', maxRetries: 0 });
    await refused(OpenAI.AuthenticationError, 'unauthorised', null, () => stranger.models.retrieve('scripted'));
    await refused(OpenAI.NotFoundError, 'model_not_found', 'model', () => ask('gpt-5', 'x'));
    await refused(OpenAI.BadRequestError, 'invalid_value', 'temperature', () => ask('scripted', 'x', { temperature: 3 }));
    await refused(OpenAI.BadRequestError, 'unsupported_value', 'n', () => ask('Mira', 'x', { n: 2 }));
    await refused(OpenAI.InternalServerError, 'server_error', null, () => ask('scripted', 'break'));
    await refused(OpenAI.BadRequestError, 'invalid_request', null, () => ask('scripted', 'refuse', { stream: true }));
    const stream = await ask('scripted', 'break off', { stream: true });
    await refused(OpenAI.APIError, 'server_error', null, async () => {
      for await (const chunk of stream) assert.ok(chunk.choices.length);
    });
  },

  async cancel() {
    const stream = await ask('scripted', 'count', { stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0].delta.content?.includes('3')) break;
    }
    const abort = new AbortController();
    const asking = client.chat.completions.create(body('scripted', 'count'), { signal: abort.signal });
    setTimeout(() => abort.abort(), 300);
    await assert.rejects(asking, OpenAI.APIUserAbortError);
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log('ok', name);
}

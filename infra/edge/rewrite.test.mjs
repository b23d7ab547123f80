// Runs infra/edge/rewrite.mjs as CloudFront does: `node --test infra/edge/rewrite.test.mjs`, which `make test` does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const SOURCE = readFileSync(new URL('rewrite.mjs', import.meta.url), 'utf8');
const IMPORT = "import cf from 'cloudfront';\n";

// The query as CloudFront hands it over: nothing decoded, repeated names in `multiValue`.
function queryOf(text) {
  const query = {};
  for (const pair of text ? text.split('&') : []) {
    const [name, value = ''] = pair.split(/=(.*)/s);
    if (name in query) {
      query[name].multiValue ??= [{ value: query[name].value }];
      query[name].multiValue.push({ value });
    } else {
      query[name] = { value };
    }
  }
  return query;
}

function textOf(query) {
  const pairs = Object.entries(query).flatMap(([name, { value, multiValue }]) =>
    (multiValue ?? [{ value }]).map((one) => `${name}=${one.value}`));
  return pairs.join('&');
}

const HANDSHAKE = {
  'sec-websocket-key': { value: 'dGhlIHNhbXBsZSBub25jZQ==' },
  'sec-websocket-version': { value: '13' },
  'sec-websocket-protocol': { value: 'bearer, abc.def' },
  authorization: { value: 'Bearer abc' },
};

function sent(path, query = '', { headers = HANDSHAKE, method = 'GET' } = {}) {
  const chosen = [];
  const cf = { selectRequestOriginById: (id) => chosen.push(id) };
  assert.ok(SOURCE.startsWith(IMPORT));
  const code = SOURCE.slice(IMPORT.length).replace('${sls:stage}', 'prod');
  const handler = new Function('cf', `${code}; return handler;`)(cf);
  const request = { method, uri: path, querystring: queryOf(query), headers: structuredClone(headers), cookies: {} };
  const answer = handler({ version: '1.0', request });
  if (answer.statusCode) return answer;
  return { ...answer, query: textOf(answer.querystring), origins: chosen };
}

// What API Gateway hands to the function that answers $connect.
function received(query) {
  return new URLSearchParams(query);
}

for (const path of [
  '/api/transcribe/live/0d2f6b0c-7c0e-4f7e-9d6c-2b1a3c4d5e6f',
  '/v1/transcripts_websocket/7',
  '/v1/transcripts/7/events',
  '/v1/events',
]) {
  test(`a handshake for ${path} goes to the WebSocket API, with its path in the query`, () => {
    const request = sent(path);
    assert.deepEqual(request.origins, ['websocket']);
    assert.equal(request.uri, '/prod');
    assert.equal(received(request.query).get('path'), path);
  });

  test(`a plain GET of ${path} goes on to the HTTP API as it is`, () => {
    const request = sent(path, 'after=3', { headers: {} });
    assert.deepEqual(request.origins, []);
    assert.equal(request.uri, path);
    assert.equal(request.query, 'after=3');
  });
}

for (const path of [
  '/', '/api/transcribe/live', '/api/transcribe/live/', '/api/transcribe', '/v1/transcripts/7',
  '/v1/transcripts/7/8/events', '/v1/transcripts//events', '/v1/eventsx', '/x/v1/events', '/api/v1/recordings', '/prod', '/ws/transcribe',
]) {
  test(`a handshake for ${path} is not for the WebSocket API`, () => {
    const request = sent(path, 'path=/v1/events');
    assert.deepEqual(request.origins, []);
    assert.equal(request.uri, path);
    assert.equal(request.query, 'path=/v1/events');
  });
}

test('only a GET is a handshake', () => {
  assert.deepEqual(sent('/v1/events', '', { method: 'POST' }).origins, []);
});

test('the headers that say who asks go on', () => {
  assert.deepEqual(sent('/v1/events').headers, HANDSHAKE);
});

test('the other parameters arrive as they were sent', () => {
  const query = 'token=a%2Bb%3D%26c&after=12&empty=&name=J%C3%BCrgen+M%20x';
  const arrived = received(sent('/v1/events', query).query);
  assert.deepEqual(Object.fromEntries([...arrived].filter(([name]) => name !== 'path')), {
    token: 'a+b=&c', after: '12', empty: '', name: 'Jürgen M x',
  });
});

test('a parameter that comes twice still comes twice', () => {
  assert.deepEqual(received(sent('/v1/events', 'tag=a&x=1&tag=b').query).getAll('tag'), ['a', 'b']);
});

for (const smuggled of [
  'path=/v1/transcripts/9/events', 'path=1&path=2', 'p%61th=/v1/transcripts/9/events', '%70%61%74%68=x', 'path',
  'path=&a=1',
]) {
  test(`a path of the client's own does not arrive: ${smuggled}`, () => {
    const arrived = received(sent('/v1/events', smuggled).query);
    assert.deepEqual(arrived.getAll('path'), ['/v1/events']);
  });
}

test('a name that cannot be decoded is left alone', () => {
  const request = sent('/v1/events', '%zz=1&a=2');
  assert.match(request.query, /%zz=1&a=2/);
  assert.deepEqual(request.origins, ['websocket']);
});

test('characters of a path that mean something in a query stay in the path', () => {
  const path = '/api/transcribe/live/a&path=b=c+d%20e%26f';
  const arrived = received(sent(path, 'after=1').query);
  assert.deepEqual(arrived.getAll('path'), [path]);
  assert.equal(arrived.get('after'), '1');
});

test('the function is small enough for CloudFront, and its stage is filled in at deployment', () => {
  assert.ok(Buffer.byteLength(SOURCE) < 10_000);
  assert.equal(SOURCE.split('${').length, 2);
});

test('a body that no Lambda can take is told where to go', () => {
  const headers = { 'content-length': { value: '4500001' }, 'content-type': { value: 'multipart/form-data' } };
  const answer = sent('/api/v1/recordings/upload', '', { headers, method: 'POST' });
  assert.equal(answer.statusCode, 413);
  const body = JSON.parse(answer.body.data);
  assert.match(body.error, /POST \/uploads/);
  assert.deepEqual([body.detail, body.uploads], [body.error, '/uploads']);
});

for (const length of ['4500000', '0', 'nonsense']) {
  test(`a body of ${length} bytes goes on`, () => {
    const request = sent('/api/v1/recordings/upload', '', { headers: { 'content-length': { value: length } }, method: 'POST' });
    assert.deepEqual([request.uri, request.origins], ['/api/v1/recordings/upload', []]);
  });
}

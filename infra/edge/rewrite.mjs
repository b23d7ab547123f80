import cf from 'cloudfront';
// Runs at CloudFront's edge for every request (cloudfront-js-2.0; infra/edge.yml puts it there).
//
// What is too large for a Lambda is refused here: API Gateway would do so in words that help nobody.
//
// API Gateway's WebSocket APIs know no paths: all connections begin at /STAGE. So a handshake for one of the paths
// below goes there, with the path it had in the query. Everything else goes to the HTTP API, also a plain GET of such
// a path: a cache behavior, which looks at the path alone, could not tell the two apart.

var STAGE = '/${sls:stage}';
var WATCHED = [
  /^\/api\/transcribe\/live\/./,
  /^\/v1\/transcripts_websocket\/./,
  /^\/v1\/transcripts\/[^/]+\/events$/,
  /^\/v1\/events$/,
];

// `Upgrade` itself is not shown to functions.
function isHandshake(request) {
  return request.method === 'GET' && 'sec-websocket-key' in request.headers;
}

// What API Gateway will read, or the name as it is if it cannot be read.
function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch (error) {
    return name;
  }
}

// API Gateway and Lambda pass on 6 MB, of which base64 leaves this much.
var LARGEST = 4500000;
var TOO_LARGE = 'One request may bring 4.5 MB. Send larger files to the addresses that POST /uploads gives, '
  + 'then call this again with the upload_id in place of the file.';

function tooLarge() {
  var body = JSON.stringify({ error: TOO_LARGE, detail: TOO_LARGE, uploads: '/uploads' });
  return {
    statusCode: 413,
    statusDescription: 'Content Too Large',
    headers: { 'content-type': { value: 'application/json' } },
    body: { encoding: 'text', data: body },
  };
}

function handler(event) {
  var request = event.request;
  var path = request.uri;
  var length = request.headers['content-length'];
  if (length && Number(length.value) > LARGEST) {
    return tooLarge();
  }
  if (!isHandshake(request) || !WATCHED.some(function (pattern) { return pattern.test(path); })) {
    return request;
  }
  // A `path` of the client's own, however it is spelled, must not stand beside ours.
  Object.keys(request.querystring).forEach(function (name) {
    if (decoded(name) === 'path') {
      delete request.querystring[name];
    }
  });
  request.querystring.path = { value: encodeURIComponent(path) };
  request.uri = STAGE;
  cf.selectRequestOriginById('websocket');
  return request;
}

/**
 * Node's modules for the network, loaded when the first connection is made: loading them takes 20 ms and 4 MB, which
 * commands between files shouldn't pay.
 */

export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http');
}

export function nodeHttps(): typeof import('node:https') {
  return process.getBuiltinModule('node:https');
}

export function nodeTls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}

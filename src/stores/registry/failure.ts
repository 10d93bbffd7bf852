/** Puts the failures of a connection, and a registry's own error answers, into words a user can act on. */
import type { IncomingHttpHeaders } from 'node:http';
import { DidiffError, type ErrorCode } from '../../errors.ts';
import { describeRateLimit, describeSeconds, parseRateLimit, retryAfterMs } from './retry.ts';
import type { Secrets } from './secrets.ts';

/** Why a registry could not be talked to at `host`: UNREACHABLE with the reason and what to do. */
export function connectionFailure(host: string, cause: unknown, secrets: Secrets): unknown {
  if (cause instanceof DidiffError || (cause as Error)?.name === 'AbortError') return cause;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { reason, hint } = explain(host, error, secrets);
  return new DidiffError('UNREACHABLE', `can not reach the registry at ${host}: ${reason}`, {
    hint,
    data: { host },
    cause,
  });
}

function explain(host: string, error: Error, secrets: Secrets): { reason: string; hint: string } {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ECONNREFUSED') {
    return { reason: 'nothing listens there', hint: 'Check the name and the port of the registry.' };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      reason: 'the host name is unknown',
      hint: 'Check the spelling, the network and the name server; behind a proxy, set HTTPS_PROXY.',
    };
  }
  if (isNotTls(error)) {
    return {
      reason: 'what answers there does not speak TLS',
      hint: 'If the registry is meant to be used without TLS, add --plain-http.',
    };
  }
  if (/^(ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|ERR_SSL|ERR_OSSL)/.test(code)) {
    return {
      reason: `its certificate or its TLS is not to be trusted (${secrets.clear(error.message)})`,
      hint: `Put its authority into /etc/docker/certs.d/${host}/ca.crt, or name a directory with --cert-dir.`,
    };
  }
  if (code.startsWith('HPE_')) {
    return { reason: 'what answers there does not speak HTTP', hint: 'Check the name and the port.' };
  }
  const cut = code === 'ECONNRESET' || code === 'EPIPE' || error.message === 'aborted';
  return {
    reason: cut ? 'the connection was cut' : secrets.clear(error.message),
    hint: 'Check the network, and try again.',
  };
}

/** Whether the other side answered a TLS greeting with something else. */
export function isNotTls(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (
    code === 'ERR_SSL_WRONG_VERSION_NUMBER' ||
    code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' ||
    (code === 'EPROTO' && /wrong version number|packet length too long|http request/i.test(message ?? ''))
  );
}

/** An error answer, as far as it matters. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The beginning of its body. */
  readonly body: Uint8Array;
}

/** What an answer that isn't the one hoped for means: `could not <what>: …`. */
export function answerFailure(
  registry: string,
  what: string,
  answer: ErrorAnswer,
  secrets: Secrets,
): DidiffError {
  const { status, headers } = answer;
  const said = secrets.clear(describeBody(answer.body));
  const reason = `${registry} answers ${status}${said === '' ? '' : `, ${said}`}`;
  const data = { registry, status, errors: errorCodes(answer.body) };
  if (status === 429) {
    return new DidiffError('UNREACHABLE', `could not ${what}: ${registry} limits how often it is asked`, {
      hint: rateLimitHint(registry, headers),
      data,
    });
  }
  return new DidiffError(codeFor(status), `could not ${what}: ${reason}`, {
    hint: hintFor(registry, status),
    data,
  });
}

function rateLimitHint(registry: string, headers: IncomingHttpHeaders): string {
  const limit = parseRateLimit(headers);
  const after = retryAfterMs(headers, Date.now());
  const allowed = limit === undefined ? '' : `It allows ${describeRateLimit(limit)}. `;
  const when = after === undefined ? 'later' : `in ${describeSeconds(after / 1000)}`;
  return `${allowed}Try again ${when}; logging in (docker login ${registry}) may raise the limit.`;
}

function codeFor(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'UNAUTHORISED';
  if (status === 404) return 'NOT_FOUND';
  if (status === 413) return 'LIMIT';
  if (status === 507) return 'STORAGE';
  return [400, 405, 415, 501].includes(status) ? 'UNSUPPORTED' : 'UNREACHABLE';
}

function hintFor(registry: string, status: number): string {
  switch (codeFor(status)) {
    case 'UNAUTHORISED':
      return `Check the name, and that you may do this; log in with: docker login ${registry}.`;
    case 'NOT_FOUND':
      return 'Check the name and the tag.';
    case 'UNREACHABLE':
      return 'The registry may be in trouble; try again later.';
    default:
      return 'The registry does not take this; its operator may know more.';
  }
}

interface SpecError {
  readonly code?: unknown;
  readonly message?: unknown;
}

function specErrors(body: Uint8Array): readonly SpecError[] {
  try {
    const { errors } = JSON.parse(Buffer.from(body).toString('utf8')) as { errors?: unknown };
    return Array.isArray(errors) ? (errors as SpecError[]).filter((e) => typeof e === 'object' && e) : [];
  } catch {
    return [];
  }
}

/** The error codes of the distribution spec that an answer holds. */
export function errorCodes(body: Uint8Array): readonly string[] {
  return specErrors(body).flatMap(({ code }) => (typeof code === 'string' ? [code] : []));
}

function describeBody(body: Uint8Array): string {
  return specErrors(body)
    .slice(0, 3)
    .map(({ code, message }) => [code, message].filter((part) => typeof part === 'string').join(': '))
    .join('; ');
}

/** Puts the failures of a connection, and the engine's own error answers, into words a user can act on. */
import { DidiffError, type ErrorCode } from '../../errors.ts';
import type { Endpoint } from './endpoint.ts';
import { SshFailure } from './ssh.ts';

/** Why no engine could be talked to at `endpoint`; UNREACHABLE with the address, the reason and what to do. */
export function connectionFailure(endpoint: Endpoint, cause: unknown): DidiffError {
  if (cause instanceof DidiffError) return cause;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const { reason, hint } = explain(endpoint, error);
  return new DidiffError(
    'UNREACHABLE',
    `can not reach the container engine at ${endpoint.address}: ${reason}`,
    {
      hint,
      data: { address: endpoint.address, chosenBy: endpoint.chosenBy },
      cause,
    },
  );
}

interface Explanation {
  readonly reason: string;
  readonly hint: string;
}

function explain(endpoint: Endpoint, error: Error): Explanation {
  if (error instanceof SshFailure) return explainSsh(error);
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const chosen = `The address comes from: ${endpoint.chosenBy}.`;
  const unix = endpoint.transport.kind === 'unix';
  if (code === 'ENOENT' || (code === 'ECONNREFUSED' && unix)) {
    return {
      reason: code === 'ENOENT' ? 'there is no such socket' : 'nothing listens on that socket',
      hint: `Is the engine running? Start it, or name another (podman's too) with DOCKER_HOST or a context. ${chosen}`,
    };
  }
  if (code === 'ECONNREFUSED') {
    return {
      reason: 'nothing listens there',
      hint: `Check the port, and that the engine is running. ${chosen}`,
    };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      reason: 'permission denied',
      hint: 'Add your user to the docker group and log in again (`sudo usermod -aG docker $USER`), or run as root.',
    };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return { reason: 'the host name is unknown', hint: `Check the spelling and the name server. ${chosen}` };
  }
  if (['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'].includes(code)) {
    return {
      reason: `no answer (${code})`,
      hint: `Check the address, the network and any firewall. ${chosen}`,
    };
  }
  if (isTlsCode(code)) return explainTls(error, code);
  if (code.startsWith('HPE_')) {
    return {
      reason: 'what answers there does not speak HTTP',
      hint: 'An engine behind TLS needs DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH.',
    };
  }
  return {
    reason: code === 'ECONNRESET' || code === 'EPIPE' ? 'the connection was cut' : error.message,
    hint: `Check that the engine still runs; its log may say more. ${chosen}`,
  };
}

function explainSsh(error: SshFailure): Explanation {
  return {
    reason: error.stderr === '' ? error.message : `${error.message}: ${error.stderr}`,
    hint: 'Try the same by hand: `ssh HOST docker version`. Keys must work without a prompt.',
  };
}

function isTlsCode(code: string): boolean {
  return (
    /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/.test(code) ||
    code === 'EPROTO'
  );
}

function explainTls(error: Error, code: string): Explanation {
  const wantsOurs = /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE/.test(code);
  return {
    reason: `TLS failed: ${error.message.split('\n', 1)[0]} (${code})`,
    hint: wantsOurs
      ? 'The engine did not accept the client certificate: check cert.pem and key.pem in DOCKER_CERT_PATH.'
      : 'Check ca.pem in DOCKER_CERT_PATH, that the certificate names this host, and that the port speaks TLS.',
  };
}

/** An error answer of the engine, whose `{message}` is passed on. `what` says what was asked for. */
export function answerFailure(endpoint: Endpoint, status: number, body: string, what: string): DidiffError {
  const message = messageOf(body);
  if (status === 400 && message.includes('HTTP request to an HTTPS server')) {
    return connectionFailure(endpoint, Object.assign(new Error(message), { code: 'HPE_TLS' }));
  }
  const { code, hint } = ANSWERS[status] ?? (status < 400 ? MOVED : FAILED);
  return new DidiffError(
    code,
    `the engine at ${endpoint.address} could not ${what}: ${message === '' ? `HTTP status ${status}` : message}`,
    {
      ...(hint === undefined ? {} : { hint }),
      data: { status, address: endpoint.address, engineMessage: message },
    },
  );
}

/** No engine sends its callers elsewhere. */
const MOVED = {
  code: 'UNREACHABLE',
  hint: 'Something else than an engine answers there; check the address.',
} as const;
const FAILED = { code: 'STORAGE', hint: 'The log of the engine may say more.' } as const;

const ANSWERS: Readonly<Record<number, { code: ErrorCode; hint?: string }>> = {
  400: { code: 'USAGE' },
  401: {
    code: 'UNAUTHORISED',
    hint: 'The engine, or a proxy before it, wants credentials or a client certificate.',
  },
  403: {
    code: 'UNAUTHORISED',
    hint: 'An authorisation plugin or a proxy before the engine forbids this call.',
  },
  404: { code: 'NOT_FOUND' },
};

/** The `{message}` of an answer, else its text, cut to a size for a terminal. */
function messageOf(body: string): string {
  let message = body;
  try {
    const json: unknown = JSON.parse(body);
    const { message: own, cause } = (json ?? {}) as Record<string, unknown>;
    if (typeof own === 'string') message = own;
    else if (typeof cause === 'string') message = cause;
  } catch {
    // Proxies answer in HTML or plain text.
  }
  return message.trim().slice(0, 1000);
}

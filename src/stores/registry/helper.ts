/**
 * Asks a credential helper: a program `docker-credential-NAME` that is given a registry on its standard input and
 * answers with JSON (the protocol of docker's credential helpers). What it prints is never shown: it may be a password.
 */
import { spawn } from 'node:child_process';
import { DidiffError } from '../../errors.ts';
import type { Credentials } from './credentials.ts';

const MAX_ANSWER_BYTES = 1 << 20;
const HELPER_TIMEOUT_MS = 60_000;
/** What helpers answer, with a failing exit code, for a registry that nobody logged in to. */
const NONE_STORED = /credentials not found|no credentials/i;
/** The user name that marks the secret as a refresh token. */
const TOKEN_USER = '<token>';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the helper has for `server`; undefined when it has nothing. Throws NOT_FOUND without the program, UNAUTHORISED. */
export async function askHelper(
  helper: string,
  server: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const { exitCode, output } = await run(program, server, env, signal);
  if (exitCode !== 0) {
    if (NONE_STORED.test(output)) return undefined;
    throw helperFailed(program, server, `it ended with exit code ${exitCode}`);
  }
  const answer = parseAnswer(output);
  if (answer === undefined) throw helperFailed(program, server, 'its answer is not what the protocol says');
  const { username, secret } = answer;
  if (username === '' && secret === '') return undefined;
  return username === TOKEN_USER
    ? { kind: 'identity', token: secret }
    : { kind: 'password', username, password: secret };
}

function parseAnswer(output: string): { username: string; secret: string } | undefined {
  try {
    const { Username: username, Secret: secret } = JSON.parse(output) as Record<string, unknown>;
    return typeof username === 'string' && typeof secret === 'string' ? { username, secret } : undefined;
  } catch {
    return undefined;
  }
}

function run(program: string, server: string, env: Environment, signal: AbortSignal | undefined) {
  return new Promise<{ exitCode: number; output: string }>((resolve, reject) => {
    const child = spawn(program, ['get'], {
      env: env as NodeJS.ProcessEnv,
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: HELPER_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    });
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    child.stdout.on('data', (piece: Uint8Array) => {
      sizeBytes += piece.length;
      if (sizeBytes <= MAX_ANSWER_BYTES) pieces.push(piece);
      else child.kill();
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      if (signal?.aborted) reject(signal.reason);
      else if (cause.code === 'ENOENT') reject(helperMissing(program, server));
      else reject(helperFailed(program, server, 'it could not be started'));
    });
    child.on('close', (code) =>
      resolve({ exitCode: code ?? -1, output: Buffer.concat(pieces).toString('utf8') }),
    );
    // A helper that ends without reading closes the pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(`${server}\n`);
  });
}

function helperMissing(program: string, server: string): DidiffError {
  return new DidiffError(
    'NOT_FOUND',
    `the credential helper ${program}, named for ${server}, is not installed`,
    {
      hint: "Install it, or take it out of docker's config.json and log in again.",
    },
  );
}

function helperFailed(program: string, server: string, reason: string): DidiffError {
  return new DidiffError(
    'UNAUTHORISED',
    `the credential helper ${program} gave nothing for ${server}: ${reason}`,
    {
      hint: `See what it says: echo ${server} | ${program} get`,
    },
  );
}

/**
 * A connection to an engine on another machine: `ssh HOST docker system dial-stdio`, whose stdin and stdout are the
 * engine's socket. One process per connection; it ends with the connection.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { Transport } from './endpoint.ts';

/** What ssh said last is kept for the error message, no more. */
const MAX_STDERR_CHARS = 2000;
const CONNECT_TIMEOUT_S = 30;
/** How long after a broken pipe ssh may take to end. */
const LAST_WORDS_MS = 2000;

export type SshTransport = Extract<Transport, { kind: 'ssh' }>;

/** ssh ended instead of carrying the connection; `stderr` is what it, or docker behind it, had to say. */
export class SshFailure extends Error {
  override readonly name = 'SshFailure';
  readonly stderr: string;

  constructor(message: string, stderr: string, options?: ErrorOptions) {
    super(message, options);
    this.stderr = stderr;
  }
}

/** The arguments of ssh. Nothing here passes a local shell; the remote one sees only the last part. */
export function sshArguments(transport: SshTransport): readonly string[] {
  const { hostname, user, port, remoteSocket } = transport;
  const socket = remoteSocket === undefined ? [] : ['--host', quoteForShell(`unix://${remoteSocket}`)];
  return [
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '-o',
    `ConnectTimeout=${CONNECT_TIMEOUT_S}`,
    '-T',
    '--',
    hostname,
    'docker',
    ...socket,
    'system',
    'dial-stdio',
  ];
}

/** Starts ssh and gives its two ends as one stream. Failures surface as the stream's error, an SshFailure. */
export function connectSsh(transport: SshTransport, env: NodeJS.ProcessEnv): Duplex {
  const child = spawn('ssh', sshArguments(transport), { stdio: ['pipe', 'pipe', 'pipe'], env });
  const heard = collectStderr(child);
  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    write(piece, _encoding, done) {
      child.stdin.write(piece, (error) => {
        // A broken pipe means that ssh has ended, or is about to: its exit tells the reason.
        if (error) setTimeout(() => stream.destroy(error), LAST_WORDS_MS).unref();
        else done();
      });
    },
    final: (done) => void child.stdin.end(() => done()),
    destroy(error, done) {
      child.kill();
      done(error);
    },
  });
  child.stdout.on('data', (piece: Buffer) => {
    if (!stream.push(piece)) child.stdout.pause();
  });
  // The end of the child's output comes through 'close', with its exit code; write errors too, with a better reason.
  child.stdin.on('error', () => {});
  child.stdout.on('error', () => {});
  child.on('error', (cause) =>
    stream.destroy(new SshFailure(`ssh can not be started: ${cause.message}`, '', { cause })),
  );
  child.on('close', (code, signal) => {
    if (code === 0) stream.push(null);
    else stream.destroy(new SshFailure(`ssh ended with ${signal ?? `exit code ${code}`}`, heard()));
  });
  return asSocket(stream);
}

function collectStderr(child: ChildProcessWithoutNullStreams): () => string {
  let text = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (piece: string) => {
    text = (text + piece).slice(-MAX_STDERR_CHARS);
  });
  child.stderr.on('error', () => {});
  return () => text.trim();
}

/** http.Agent calls these on every connection; over a pipe there is nothing to set. */
function asSocket(stream: Duplex): Duplex {
  const nothing = () => stream;
  return Object.assign(stream, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
  });
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

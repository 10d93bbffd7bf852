/** Certificates and keys for an engine behind TLS, from the places the docker CLI keeps them in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DidiffError } from '../../errors.ts';

export interface TlsMaterial {
  /** Whether the engine must prove its name. Off only where the user turned it off for docker too. */
  readonly verify: boolean;
  /** PEM. Absent: the authorities node knows. */
  readonly ca?: string;
  /** The client's certificate and key, PEM; both or none. */
  readonly cert?: string;
  readonly key?: string;
}

/** Reads ca.pem, cert.pem and key.pem of a directory. Throws NOT_FOUND without ca.pem when the engine is to be proved. */
export function loadTlsDirectory(directory: string, verify: boolean): TlsMaterial {
  const ca = readIfThere(join(directory, 'ca.pem'));
  if (verify && ca === undefined) {
    throw new DidiffError(
      'NOT_FOUND',
      `DOCKER_TLS_VERIFY is set, but there is no ${join(directory, 'ca.pem')}`,
      {
        hint: 'Set DOCKER_CERT_PATH to the directory with ca.pem, cert.pem and key.pem.',
      },
    );
  }
  return tlsMaterial(directory, verify, ca);
}

/** The same for a context, whose files are all optional; undefined when there are none and `verify` is on. */
export function loadContextTls(directory: string, verify: boolean): TlsMaterial | undefined {
  const material = tlsMaterial(directory, verify, readIfThere(join(directory, 'ca.pem')));
  return verify && material.ca === undefined && material.cert === undefined ? undefined : material;
}

function tlsMaterial(directory: string, verify: boolean, ca: string | undefined): TlsMaterial {
  const cert = readIfThere(join(directory, 'cert.pem'));
  const key = readIfThere(join(directory, 'key.pem'));
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'cert.pem' : 'key.pem';
    throw new DidiffError('NOT_FOUND', `the TLS certificates in ${directory} are incomplete: no ${missing}`, {
      hint: 'A client certificate needs both cert.pem and key.pem.',
    });
  }
  return {
    verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** The text of a file; undefined when it isn't there. Other failures (permissions) are the caller's error to see. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DidiffError('STORAGE', `can not read ${path}: ${(cause as Error).message}`, {
      hint: 'Check the permissions of the certificate files.',
      cause,
    });
  }
}

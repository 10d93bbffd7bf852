/**
 * The docker CLI's contexts: which one is current (config.json) and what it says (contexts/meta and contexts/tls,
 * each under the SHA-256 of the context's name).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corrupt, DidiffError } from '../../errors.ts';
import { parseObject } from '../../image/manifest.ts';
import { loadContextTls, type TlsMaterial } from './tls-material.ts';

const MAX_CONFIG_FILE_BYTES = 8 << 20;

export interface DockerContext {
  readonly host: string;
  readonly tls?: TlsMaterial;
}

/** DOCKER_CONTEXT, else `currentContext` of config.json; undefined for the default context. */
export function currentContextName(env: NodeJS.ProcessEnv, configDirectory: string): string | undefined {
  const name = env['DOCKER_CONTEXT'] || configuredContext(join(configDirectory, 'config.json'));
  return name === undefined || name === '' || name === 'default' ? undefined : name;
}

function configuredContext(path: string): string | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined || bytes.length === 0) return undefined;
  const name = parseObject(bytes, path, MAX_CONFIG_FILE_BYTES)['currentContext'];
  return typeof name === 'string' ? name : undefined;
}

/** Throws NOT_FOUND when there is no such context, CORRUPT_INPUT when its file can't be read. */
export function loadContext(configDirectory: string, name: string): DockerContext {
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(configDirectory, 'contexts', 'meta', id, 'meta.json');
  const bytes = readIfThere(path);
  if (bytes === undefined) {
    throw new DidiffError('NOT_FOUND', `there is no docker context ${JSON.stringify(name)}`, {
      hint: '`docker context ls` lists them; DOCKER_CONTEXT or `docker context use` chooses one.',
    });
  }
  const endpoints = parseObject(bytes, path, MAX_CONFIG_FILE_BYTES)['Endpoints'];
  const docker = (endpoints as Record<string, unknown> | undefined)?.['docker'];
  const { Host: host, SkipTLSVerify: skip } = (docker ?? {}) as Record<string, unknown>;
  if (typeof host !== 'string' || host === '') {
    throw corrupt(`docker context ${JSON.stringify(name)} names no host for docker (${path})`);
  }
  const tls = loadContextTls(join(configDirectory, 'contexts', 'tls', id, 'docker'), skip !== true);
  return { host, ...(tls === undefined ? {} : { tls }) };
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DidiffError('STORAGE', `can not read ${path}: ${(cause as Error).message}`, {
      hint: 'Check the permissions, or name another directory in DOCKER_CONFIG.',
      cause,
    });
  }
}

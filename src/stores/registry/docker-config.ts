/**
 * What the user logged in with, from where docker, podman and skopeo keep it: `auths`, `credHelpers` and `credsStore` of
 * ~/.docker/config.json, REGISTRY_AUTH_FILE, containers/auth.json. Nothing of it may show in a message.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corrupt, DidiffError } from '../../errors.ts';
import { parseObject } from '../../image/manifest.ts';
import type { Credentials } from './credentials.ts';
import { askHelper } from './helper.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_CONFIG_FILE_BYTES = 8 << 20;

/**
 * The credentials for `key` (a registry as in names, or docker.io's own key), the most particular of `repository` first,
 * as podman files them; undefined where nobody logged in. Throws CORRUPT_INPUT, STORAGE, or what a helper fails with.
 */
export async function findCredentials(
  key: string,
  repository: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  for (const path of configPaths(env)) {
    const config = readConfig(path);
    if (config === undefined) continue;
    const helper = helperFor(config, key);
    const found =
      helper === undefined
        ? storedCredentials(config, key, repository, path)
        : ((await askHelper(helper, key, env, signal)) ?? storedCredentials(config, key, repository, path));
    if (found !== undefined) return found;
  }
  return undefined;
}

function configPaths(env: Environment): readonly string[] {
  const home = env['HOME'] || env['USERPROFILE'] || '';
  const named = env['REGISTRY_AUTH_FILE'];
  const docker = env['DOCKER_CONFIG'] || (home === '' ? undefined : join(home, '.docker'));
  const runtime = env['XDG_RUNTIME_DIR'];
  return [
    ...(named ? [named] : []),
    ...(docker === undefined ? [] : [join(docker, 'config.json')]),
    ...(runtime ? [join(runtime, 'containers', 'auth.json')] : []),
    ...(home === '' ? [] : [join(home, '.config', 'containers', 'auth.json')]),
  ];
}

function readConfig(path: string): Readonly<Record<string, unknown>> | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new DidiffError('STORAGE', `can not read ${path}: ${message}`, { cause });
  }
  if (bytes.length === 0) return undefined;
  try {
    return parseObject(bytes, path, MAX_CONFIG_FILE_BYTES);
  } catch {
    // What the parser says may quote the file, and the file may hold passwords.
    throw corrupt(`${path} is not a JSON object`, { hint: 'Repair the file, or log in again.' });
  }
}

function helperFor(config: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const helpers = asRecord(config['credHelpers']);
  const own = keysFor(key).map((name) => ownValue(helpers, name));
  const name = own.find((value) => value !== undefined) ?? config['credsStore'];
  if (typeof name !== 'string' || name === '') return undefined;
  // It becomes part of a program's name.
  if (/^[A-Za-z0-9._-]+$/.test(name)) return name;
  throw new DidiffError('USAGE', `${JSON.stringify(name)} is not the name of a credential helper`);
}

function storedCredentials(
  config: Readonly<Record<string, unknown>>,
  key: string,
  repository: string,
  path: string,
): Credentials | undefined {
  const auths = asRecord(config['auths']);
  const byHost = new Map(Object.entries(auths).map(([name, value]) => [hostOf(name), value]));
  const particular = repositoryKeys(key, repository).map((name) => ownValue(auths, name));
  const general = keysFor(key).map((name) => ownValue(auths, name) ?? byHost.get(hostOf(name)));
  const entry = [...particular, ...general].find((value) => value !== undefined);
  return entry === undefined ? undefined : parseEntry(asRecord(entry), key, path);
}

function parseEntry(
  entry: Readonly<Record<string, unknown>>,
  key: string,
  path: string,
): Credentials | undefined {
  const { identitytoken, registrytoken, auth, username, password } = entry;
  if (typeof registrytoken === 'string' && registrytoken !== '')
    return { kind: 'bearer', token: registrytoken };
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { kind: 'identity', token: identitytoken };
  if (typeof auth === 'string' && auth !== '') {
    const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = text.indexOf(':');
    if (colon > 0)
      return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) };
    throw corrupt(`${path}: the entry for ${key} is damaged: its auth is not base64 of user:password`, {
      hint: 'Log in again with `docker login`.',
    });
  }
  if (typeof username === 'string' && typeof password === 'string' && username !== '')
    return { kind: 'password', username, password };
  return undefined;
}

/** `registry/a/b`, `registry/a`: podman's entries for a part of a registry. */
function repositoryKeys(key: string, repository: string): readonly string[] {
  const parts = repository.split('/');
  return parts.map((_, index) => [hostOf(key), ...parts.slice(0, parts.length - index)].join('/'));
}

/** docker.io goes by several names in these files. */
function keysFor(key: string): readonly string[] {
  return key.includes('index.docker.io') ? [key, 'index.docker.io', 'docker.io'] : [key];
}

/** Entries may be whole URLs, from older versions: `https://host/v1/`. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function ownValue(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/**
 * What kind of engine answers, and so what an image's ID is there: the config's digest (`classic`, `podman`) or the
 * digest of the manifest or index (`containerd`). Also settles the version of the API that both sides know.
 */
import type { Digest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import type { Platform } from '../../image/platform.ts';
import { createClient, type EngineClient } from './client.ts';
import { chooseEndpoint, type EndpointOptions } from './endpoint.ts';

export type EngineKind = 'classic' | 'containerd' | 'podman';

/** An engine that has answered. Must be closed. */
export interface Engine {
  readonly client: EngineClient;
  readonly kind: EngineKind;
  /** For messages, without credentials. */
  readonly address: string;
  /** What it calls itself, as `Docker 26.1.5`. */
  readonly product: string;
  readonly apiVersion: string;
  /** podman's own API; absent elsewhere. */
  readonly libpodVersion?: string;
  /** What it runs: the machine it is on may be another one than this. */
  readonly platform: Platform;
  /** The blobs that manifests of images name, by the image's ID: readers note them for writers. */
  readonly blobsOfImages: Map<Digest, readonly Digest[]>;
  close(): void;
}

/** The newest API this client was written for, and the oldest (Docker 17.06) whose answers it understands. */
const NEWEST_API = '1.51';
const OLDEST_API = '1.30';

export interface EngineOptions extends EndpointOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Finds the engine and asks what it is. Throws UNREACHABLE, UNAUTHORISED, UNSUPPORTED, or as `chooseEndpoint`. */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const endpoint = chooseEndpoint(options);
  const client = createClient(endpoint, options.env);
  try {
    return await identify(client, options.signal);
  } catch (error) {
    client.close();
    throw error;
  }
}

async function identify(client: EngineClient, signal: AbortSignal | undefined): Promise<Engine> {
  const version = await askVersion(client, signal);
  const apiVersion = agreeOnApi(client, version);
  const versioned = client.withVersion(apiVersion);
  const podman = version.components.find((component) => component.name === 'Podman Engine');
  const kind = podman !== undefined ? 'podman' : await kindOfDocker(versioned, signal);
  return {
    client: versioned,
    kind,
    address: client.endpoint.address,
    product: podman === undefined ? `Docker ${version.version}` : `Podman ${podman.version}`,
    apiVersion,
    ...(podman === undefined ? {} : { libpodVersion: podman.version }),
    platform: { os: version.os, architecture: version.architecture },
    blobsOfImages: new Map(),
    close: () => client.close(),
  };
}

interface VersionAnswer {
  readonly version: string;
  readonly apiVersion: string;
  readonly minApiVersion: string;
  readonly os: string;
  readonly architecture: string;
  readonly components: readonly { readonly name: string; readonly version: string }[];
}

async function askVersion(client: EngineClient, signal: AbortSignal | undefined): Promise<VersionAnswer> {
  const json = await client.call({ path: '/version', what: 'tell its version', signal }).catch((error) => {
    const isOther = error instanceof DidiffError && ['NOT_FOUND', 'CORRUPT_INPUT'].includes(error.code);
    throw isOther ? noEngine(client, 'It has no /version that could be read', error) : error;
  });
  const answer = (json ?? {}) as Record<string, unknown>;
  const text = (key: string): string => (typeof answer[key] === 'string' ? answer[key] : '');
  if (!/^\d+\.\d+$/.test(text('ApiVersion'))) {
    throw noEngine(client, 'Its /version has no ApiVersion');
  }
  const components = Array.isArray(answer['Components']) ? (answer['Components'] as unknown[]) : [];
  return {
    version: text('Version'),
    apiVersion: text('ApiVersion'),
    minApiVersion: text('MinAPIVersion'),
    os: text('Os') || 'linux',
    architecture: text('Arch') || 'unknown',
    components: components.map((component) => {
      const { Name: name, Version: version } = (component ?? {}) as Record<string, unknown>;
      return { name: String(name), version: String(version) };
    }),
  };
}

function noEngine(client: EngineClient, found: string, cause?: unknown): DidiffError {
  return new DidiffError('UNREACHABLE', `what answers at ${client.endpoint.address} is no container engine`, {
    hint: `${found}; check the address, which comes from: ${client.endpoint.chosenBy}.`,
    cause,
  });
}

function agreeOnApi(client: EngineClient, version: VersionAnswer): string {
  const { address } = client.endpoint;
  if (isOlderApi(version.apiVersion, OLDEST_API)) {
    throw new DidiffError(
      'UNSUPPORTED',
      `the engine at ${address} (${version.version}) has API ${version.apiVersion}; ${OLDEST_API} is the oldest that works`,
      { hint: 'Update the engine, or work on archives made by `docker save`.' },
    );
  }
  const wanted = isOlderApi(version.apiVersion, NEWEST_API) ? version.apiVersion : NEWEST_API;
  // An engine that dropped all versions known here may still answer alike: better tried than refused.
  return version.minApiVersion !== '' && isOlderApi(wanted, version.minApiVersion)
    ? version.minApiVersion
    : wanted;
}

/** Whether API version `a` is older than `b`; both `major.minor`. */
export function isOlderApi(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA !== majorB ? majorA < majorB : minorA < minorB;
}

async function kindOfDocker(client: EngineClient, signal: AbortSignal | undefined): Promise<EngineKind> {
  const info = (await client.call({ path: '/info', what: 'describe itself', signal })) as Record<
    string,
    unknown
  >;
  const status = info?.['DriverStatus'];
  const usesContainerd =
    Array.isArray(status) &&
    status.some(
      (pair) =>
        Array.isArray(pair) && pair[0] === 'driver-type' && pair[1] === 'io.containerd.snapshotter.v1',
    );
  return usesContainerd ? 'containerd' : 'classic';
}

/**
 * From the registry part of an image's name to where its API is (OCI distribution spec v1.1). Guards that plain HTTP is
 * spoken only where it was asked for, or with this very machine.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Docker's registry is known by a name that is not its host's, and its credentials by a third. */
const DOCKER_NAME = 'docker.io';
const DOCKER_HOST = 'registry-1.docker.io';
const DOCKER_CREDENTIALS = 'https://index.docker.io/v1/';

export interface RegistryAddress {
  /** As in image names: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Host and port to connect to. */
  readonly host: string;
  /** `either`: HTTPS, and when the other side doesn't speak TLS, HTTP; for this machine's own registries. */
  readonly scheme: 'https' | 'http' | 'either';
  /** What credentials for it are filed under. */
  readonly credentialsKey: string;
}

export function registryAddress(registry: string, plainHttp: boolean): RegistryAddress {
  const host = registry === DOCKER_NAME ? DOCKER_HOST : registry;
  const { hostname } = new URL(`https://${host}`);
  const scheme = plainHttp ? 'http' : isLoopback(hostname) ? 'either' : 'https';
  return {
    registry,
    host,
    scheme,
    credentialsKey: registry === DOCKER_NAME ? DOCKER_CREDENTIALS : registry,
  };
}

/** Whether a host, as in a URL, can only be this machine: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(hostname: string): boolean {
  const name = withoutBrackets(hostname);
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (isIPv4(name)) return name.startsWith('127.');
  if (!isIPv6(name)) return false;
  const list = new BlockList();
  list.addAddress('::1', 'ipv6');
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  return list.check(name, 'ipv6');
}

/** The host of a URL as sockets take it: IPv6 addresses stand in brackets only in URLs. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Platforms as the OCI image index names them: `os/architecture[/variant]`. */
import { DidiffError } from '../errors.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Parses `linux/arm64/v8`. Throws USAGE. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.toLowerCase().split('/');
  if (!os || !architecture || rest.length > 0 || variant === '') {
    throw new DidiffError(
      'USAGE',
      `platform ${JSON.stringify(text)} is not of the form os/architecture[/variant]`,
      {
        hint: 'For example: --platform linux/amd64, or linux/arm/v7.',
      },
    );
  }
  return normalise({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Common other names, and the default variants that containerd's normalisation drops or adds. */
function normalise(platform: Platform): Platform {
  const architecture = ARCHITECTURES[platform.architecture] ?? platform.architecture;
  const { os } = platform;
  let { variant } = platform;
  if (architecture === 'arm64' && (variant === 'v8' || variant === '8')) variant = undefined;
  if (architecture === 'arm' && variant === undefined) variant = 'v7';
  if (architecture === 'amd64' && variant === 'v1') variant = undefined;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
  ia32: '386',
  x64: 'amd64',
  ppc64el: 'ppc64le',
};

/** The platform of images for a machine; `nodeArch` and `nodePlatform` as in `process`. Engines run Linux. */
export function hostPlatform(nodeArch: string, nodePlatform: string): Platform {
  return normalise({ os: nodePlatform === 'win32' ? 'windows' : 'linux', architecture: nodeArch });
}

export function samePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(normalise(a)) === formatPlatform(normalise(b));
}

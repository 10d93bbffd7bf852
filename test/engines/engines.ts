/** The real engines the tests run against, and what each needs of the machine. */
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type RunningEngine, startDaemon } from './daemon.ts';

/** Docker's classic store of the machine's own Docker, and of a newer one; Docker over containerd; podman. */
export type EngineName = 'docker-classic' | 'docker-26-classic' | 'docker-26-containerd' | 'podman';

/** A Debian trixie tree with Docker 26, made by scripts/make-trixie.sh. */
export const TRIXIE = process.env['DIDIFF_TRIXIE'] || '/opt/didiff-trixie';

/** Why this engine can't run here; undefined when it can. */
export function missingParts(name: EngineName): string | undefined {
  if (process.getuid?.() !== 0) return 'engines are started as root';
  if (!isOnPath('docker')) return 'the docker CLI is not installed';
  if (!isOnPath('setpriv')) return 'setpriv is not installed';
  if (name === 'docker-classic' && !isOnPath('dockerd')) return 'dockerd is not installed';
  if (name === 'podman' && !isOnPath('podman')) return 'podman is not installed';
  if (!name.startsWith('docker-26')) return undefined;
  if (!isOnPath('unshare')) return 'unshare is not installed';
  const dockerd = join(TRIXIE, 'usr/sbin/dockerd');
  return existsSync(dockerd) ? undefined : `there is no ${dockerd}; scripts/make-trixie.sh makes it`;
}

export function startEngine(name: EngineName): Promise<RunningEngine> {
  switch (name) {
    case 'docker-classic':
      return startClassic();
    case 'docker-26-classic':
      return startInTrixie(false);
    case 'docker-26-containerd':
      return startInTrixie(true);
    case 'podman':
      return startPodman();
  }
}

/** The machine's dockerd, which touches neither its network nor its packet filter. `more`: further arguments. */
export function startClassic(more: readonly string[] = []): Promise<RunningEngine> {
  return startDaemon({
    kind: 'classic',
    command: (directory) => [
      'dockerd',
      ...['--data-root', join(directory, 'root')],
      ...['--exec-root', join(directory, 'exec')],
      ...['-p', join(directory, 'pid')],
      ...['-H', `unix://${join(directory, 'sock')}`],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs'],
      ...more,
    ],
  });
}

function startPodman(): Promise<RunningEngine> {
  return startDaemon({
    kind: 'podman',
    command: (directory) => [
      'podman',
      ...['--root', join(directory, 'root'), '--runroot', join(directory, 'run')],
      ...['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
      ...['system', 'service', '--time', '0', `unix://${join(directory, 'sock')}`],
    ],
  });
}

/**
 * Docker in the trixie tree. Its mounts are in a mount namespace of its own, which ends with it; every program on the
 * way replaces itself by the next, so that the process started is the daemon in the end.
 */
function startInTrixie(containerd: boolean): Promise<RunningEngine> {
  return startDaemon({
    kind: containerd ? 'containerd' : 'classic',
    command: (directory) => {
      mkdirSync(join(directory, 'exec'));
      const config = {
        features: { 'containerd-snapshotter': containerd },
        iptables: false,
        ip6tables: false,
        bridge: 'none',
        'storage-driver': containerd ? 'native' : 'vfs',
      };
      writeFileSync(join(directory, 'daemon.json'), JSON.stringify(config));
      return ['unshare', '-m', 'sh', '-ec', ENTER_TRIXIE, 'sh', TRIXIE, directory];
    },
  });
}

const ENTER_TRIXIE = `
tree=$1 data=$2
mount --make-rprivate /
# Docker unpacks in a mount namespace of its own, for which its root has to be a mount.
mount --bind $tree $tree
for each in proc sys dev; do mount --rbind /$each $tree/$each; done
mount -t tmpfs tmpfs $tree/run
mount -t tmpfs tmpfs $tree/mnt
mkdir $tree/mnt/engine
mount --bind $data $tree/mnt/engine
cd $tree
exec chroot $tree dockerd --config-file /mnt/engine/daemon.json --data-root /mnt/engine/root \\
  --exec-root /mnt/engine/exec -p /mnt/engine/pid -H unix:///mnt/engine/sock
`;

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

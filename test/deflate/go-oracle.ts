/**
 * Real Go encoders as programs that follow a script, where a Go tool chain is installed: its own compress/gzip,
 * and Klaus Post's packages where the system has their sources (Debian: golang-github-klauspost-pgzip-dev).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes so many bytes, flushes, or ends the member and begins the next. */
export type Step = number | 'flush' | 'member';

export interface GoOracle {
  /** The release of Go, e.g. `go1.19`. */
  readonly release: string;
  /** What Go makes of `plain` at `level`, following the steps, which must write all of it. */
  gzip(plain: Uint8Array, level: number, steps: readonly Step[], blockBytes?: number): Uint8Array;
  close(): void;
}

export type GoPackage = 'compress/gzip' | 'github.com/klauspost/compress/gzip' | 'github.com/klauspost/pgzip';

/** Where Debian puts the sources of Go packages. */
const SYSTEM_SOURCES = '/usr/share/gocode';

const program = (name: GoPackage) => `package main

import (
	"bufio"
	gzip "${name}"
	"io"
	"os"
	"strconv"
)

func main() {
	level, _ := strconv.Atoi(os.Args[1])
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	line, _ := in.ReadString('\\n')
	plain, _ := io.ReadAll(in)
	w, _ := gzip.NewWriterLevel(out, level)
	${name.endsWith('pgzip') ? 'if len(os.Args) > 2 { n, _ := strconv.Atoi(os.Args[2]); w.SetConcurrency(n, 2) }' : ''}
	word := ""
	for _, c := range line {
		if c != ' ' && c != '\\n' {
			word += string(c)
			continue
		}
		switch word {
		case "":
		case "flush":
			w.Flush()
		case "member":
			w.Close()
			w.Reset(out)
		default:
			n, _ := strconv.Atoi(word)
			w.Write(plain[:n])
			plain = plain[n:]
		}
		word = ""
	}
	w.Close()
}
`;

/** Builds the program; undefined when Go or the package is not installed. */
export function openGoOracle(name: GoPackage): GoOracle | undefined {
  const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  if (version.status !== 0) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'didiff-go-oracle-'));
  const binary = join(directory, 'oracle');
  writeFileSync(join(directory, 'main.go'), program(name));
  const built = spawnSync('go', ['build', '-o', binary, join(directory, 'main.go')], {
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH: SYSTEM_SOURCES },
    encoding: 'utf8',
  });
  if (built.status !== 0) {
    rmSync(directory, { recursive: true, force: true });
    if (/cannot find package/.test(built.stderr)) return undefined;
    throw new Error(built.stderr);
  }
  return {
    release: version.stdout.trim(),
    gzip(plain, level, steps, blockBytes) {
      const input = Buffer.concat([Buffer.from(`${steps.join(' ')}\n`), plain]);
      return execFileSync(binary, [level, ...(blockBytes === undefined ? [] : [blockBytes])].map(String), {
        input,
        maxBuffer: 1 << 30,
      });
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}

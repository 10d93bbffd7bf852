/** Go's own compress/gzip as a program that follows a script, where a Go tool chain is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes so many bytes, flushes, or ends the member and begins the next. */
export type Step = number | 'flush' | 'member';

export interface GoOracle {
  /** The release, e.g. `go1.19`. */
  readonly release: string;
  /** What Go makes of `plain` at `level`, following the steps, which must write all of it. */
  gzip(plain: Uint8Array, level: number, steps: readonly Step[]): Uint8Array;
  close(): void;
}

const PROGRAM = `package main

import (
	"bufio"
	"compress/gzip"
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

/** Builds the program; undefined when Go is not installed. */
export function openGoOracle(): GoOracle | undefined {
  const version = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  if (version.status !== 0) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'didiff-go-oracle-'));
  const program = join(directory, 'oracle');
  writeFileSync(join(directory, 'main.go'), PROGRAM);
  execFileSync('go', ['build', '-o', program, join(directory, 'main.go')], {
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '' },
  });
  return {
    release: version.stdout.trim(),
    gzip(plain, level, steps) {
      const input = Buffer.concat([Buffer.from(`${steps.join(' ')}\n`), plain]);
      return execFileSync(program, [String(level)], { input, maxBuffer: 1 << 30 });
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Instances of the WebAssembly kernels: compiled code without imports, given as base64 text. */

/** What every kernel exports besides its functions. */
export interface KernelMemory {
  readonly memory: { readonly buffer: ArrayBuffer };
}

interface WasmNamespace {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** A new instance with memory of its own; undefined where WebAssembly is switched off. */
export function startKernel<Exports>(base64: string): (Exports & KernelMemory) | undefined {
  const wasm = (globalThis as { WebAssembly?: WasmNamespace }).WebAssembly;
  if (wasm === undefined) return undefined;
  const module = new wasm.Module(Buffer.from(base64, 'base64'));
  return new wasm.Instance(module).exports as Exports & KernelMemory;
}

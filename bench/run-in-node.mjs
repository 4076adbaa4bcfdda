// Runs a plain WASI program in Node: `node run-in-node.mjs PROGRAM [ARGUMENT...]`.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const wasi = new WASI({ version: 'preview1', args: process.argv.slice(2) });
const module = await WebAssembly.compile(readFileSync(process.argv[2]));
const env = {}; // the tags of exceptions and of longjmp, which no program defines
for (const { name, kind } of WebAssembly.Module.imports(module)) {
  if (kind === 'tag') env[name] = new WebAssembly.Tag({ parameters: ['i32'] });
}
wasi.start(await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport, env }));

// How long V8 takes to validate a module, in a process that has done nothing else: prints `validate_ms X`.
import { readFileSync } from 'node:fs';

const bytes = readFileSync(process.argv[2]);
const start = performance.now();
const valid = WebAssembly.validate(bytes);
const elapsed = performance.now() - start;
if (!valid) throw new Error(`${process.argv[2]} is not valid`);
console.log(`validate_ms ${elapsed}`);

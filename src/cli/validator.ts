import { text } from "node:stream/consumers";
import { tierOf } from "../gateway/model.ts";
import { misuse } from "./arguments.ts";
import { type Runner, runProcess } from "./run.ts";
import { wantsColour } from "./terminal.ts";
import { validateFiles } from "./validate.ts";

/** The command `validate`, from its flags. */
export const runValidate: Runner = async (files, { values: { json, sarif, scope, tier, executable } }, output) => {
  if (json === true && sarif === true) throw misuse("'--json' and '--sarif' exclude one another.");
  return validateFiles({
    files,
    rules: { ...(scope === undefined ? {} : { scope }), ...(tier === undefined ? {} : { tier: tierOf(tier) }) },
    executable: executable === true,
    format: json === true ? "json" : sarif === true ? "sarif" : "text",
    colour: wantsColour(process.stdout),
    readInput: () => text(process.stdin),
    ...output,
  });
};

/** The program that knows this command alone. */
export const start = (): Promise<never> => runProcess(() => runValidate);

import { settings } from "../config.ts";

/** The settings of the environment as a markdown table, for the README. */
export function configurationTable(): string {
  const rows = settings
    .filter(({ env }) => env !== undefined)
    .map(({ env, flag, description, find }) => [
      flag === undefined ? `\`${env}\`` : `\`${env}\`, \`--${flag}\``,
      description,
      find === undefined ? "" : `\`${find.replaceAll("|", "\\|")}\``,
    ]);
  return [["Variable", "What it is", "How to find it"], ["---", "---", "---"], ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

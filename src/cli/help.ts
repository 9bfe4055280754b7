import { settings } from "../config.ts";
import { commands } from "./arguments.ts";

const program = "azure-ai-gateway-mcp";

/** The text of `--help`. */
export function helpText(): string {
  const flags = settings.flatMap(({ flag, short, placeholder, commands: owners = [], description }) =>
    flag === undefined
      ? []
      : [
          [
            `--${flag}${placeholder === undefined ? "" : ` ${placeholder}`}${short === undefined ? "" : `, -${short}`}`,
            owners.length === 0 ? description : `${description} (${owners.join(", ")})`,
          ] as const,
        ],
  );
  const variables = settings.flatMap(({ env, description, find }) =>
    env === undefined ? [] : [[env, find === undefined ? description : `${description}\nFind it with: ${find}`] as const],
  );
  return [
    "Runs an Azure API Management AI gateway from a chat: quotas, backend pools, policies, metrics.",
    section(
      "Usage",
      Object.values(commands).map(({ synopsis, description }) => [`${program} ${synopsis}`.trimEnd(), description]),
    ),
    section("Flags", flags),
    section("Environment", variables),
  ].join("\n\n");
}

/** A heading and two columns; further lines of a text stand under its first. */
function section(title: string, rows: readonly (readonly [name: string, text: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  const indent = " ".repeat(width + 4);
  return [`${title}:`, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text.replaceAll("\n", `\n${indent}`)}`)].join("\n");
}

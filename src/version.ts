import manifest from "../package.json" with { type: "json" };

/** The package's version, for `--version` and the MCP handshake. */
export const version: string = manifest.version;

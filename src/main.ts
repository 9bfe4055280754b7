#!/usr/bin/env node
// Editors and pipelines validate file after file: what they start holds neither the server nor its tools. The whole program
// knows the command too, wherever it stands on the command line.
const { start } = process.argv[2] === "validate" ? await import("./cli/validator.ts") : await import("./cli/program.ts");
await start();

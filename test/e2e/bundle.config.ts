import { defineConfig } from "vitest/config";

/** The built bundle, as a user starts it, on the Node that `MACHINE_NODE` names. */
export default defineConfig({
  test: {
    include: ["test/e2e/bundle/**/*.test.ts"],
    testTimeout: 60_000,
  },
});

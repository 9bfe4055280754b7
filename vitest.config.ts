import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/e2e/bundle/**", "test/bench/**"],
    testTimeout: 20_000,
  },
});

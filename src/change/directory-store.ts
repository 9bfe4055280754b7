import { randomBytes } from "node:crypto";
import { link, mkdir, mkdtemp, open, readdir, readFile, rm, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GatewayError } from "../errors.ts";
import { isObject, type Json, type JsonObject } from "../gateway/documents.ts";
import { damagedRecord, type JournalStore, keyPart, keyParts } from "./journal-store.ts";
import { codeOf, directoryMode, makeStateDirectory, requireOwn, syncDirectory } from "./state-directory.ts";

const fileMode = 0o600;
const documentName = /^([a-z0-9][a-z0-9_-]*)\.json$/;
const temporaryName = /^\.[a-z0-9][a-z0-9_-]*\.json\.\d+\.[0-9a-f]{12}$/;

/**
 * A journal in a directory: one directory per change, one file per state. Safe with several processes and with a kill at
 * any moment: a file is written whole under a temporary name, synced, and then linked to its own name, which fails where
 * that exists. Readable by the user alone.
 */
export function directoryStore(path: string): JournalStore {
  const fileOf = (key: string) => {
    const { change, state } = keyParts(key);
    const directory = join(path, change);
    return { directory, name: `${state}.json`, file: join(directory, `${state}.json`) };
  };
  return {
    create: (key, document) =>
      reportingPath(path, async () => {
        const { directory, name } = fileOf(key);
        await makeStateDirectory(path);
        if (await makeDirectory(directory)) await syncDirectory(path);
        return createFile(directory, name, JSON.stringify(document));
      }),
    async read(key) {
      const { file } = fileOf(key);
      await reportingPath(path, () => requireOwn(path));
      try {
        const text = await orWhereMissing(readFile(file, "utf8"), null);
        return text === null ? null : parseDocument(text);
      } catch (error) {
        throw damagedRecord(file, messageOf(error), error);
      }
    },
    list: () =>
      reportingPath(path, async () => {
        await requireOwn(path);
        const entries = await orWhereMissing(readdir(path, { withFileTypes: true }), []);
        const changes = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
        return (await Promise.all(changes.map((change) => keysOf(path, change)))).flat();
      }),
    remove: (key) =>
      reportingPath(path, async () => {
        const { directory, file } = fileOf(key);
        await orWhereMissing(unlink(file), undefined);
        await removeEmpty(directory);
      }),
    place: (key) => fileOf(key).file,
  };
}

/**
 * Writes a record as a change would, beside those that are there, and takes it away again: nothing is left, nor made on the way. Rejects as `create`
 * does. A directory that is missing is tried where it would be made.
 */
export const tryDirectory = (path: string): Promise<void> =>
  reportingPath(path, async () => {
    await requireOwn(path);
    const trial = await mkdtemp(join(await nearestDirectory(path), ".aigw-trial-"));
    try {
      await createFile(trial, "planned.json", "{}");
    } finally {
      await rm(trial, { recursive: true, force: true });
    }
  });

async function nearestDirectory(path: string): Promise<string> {
  const found = await orWhereMissing(stat(path), null);
  const above = dirname(path);
  return found !== null || above === path ? path : nearestDirectory(above);
}

async function keysOf(path: string, change: string): Promise<readonly string[]> {
  if (!keyPart.test(change)) return [];
  try {
    const names = await orWhereMissing(readdir(join(path, change)), []);
    return names.flatMap((name) => {
      const state = documentName.exec(name)?.[1];
      return state === undefined ? [] : [`${change}/${state}`];
    });
  } catch {
    // The one record that every change has: who reads it is told what is wrong here.
    return [`${change}/planned`];
  }
}

/** False where it exists. */
async function makeDirectory(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { mode: directoryMode });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** `link` and not `rename`: it never replaces a file, and either both names hold the whole text or the new one does not exist. */
async function createFile(directory: string, name: string, text: string): Promise<boolean> {
  const temporary = join(directory, `.${name}.${process.pid}.${randomBytes(6).toString("hex")}`);
  try {
    const file = await open(temporary, "wx", fileMode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, join(directory, name));
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    await orWhereMissing(unlink(temporary), undefined);
  }
  await syncDirectory(directory);
  return true;
}

/** Removes a change's directory once it holds no record: with it goes what a killed process has left under a temporary name. */
async function removeEmpty(directory: string): Promise<void> {
  const names = await orWhereMissing(readdir(directory), []);
  if (names.some((name) => !temporaryName.test(name))) return;
  await Promise.all(names.map((name) => orWhereMissing(unlink(join(directory, name)), undefined)));
  await rmdir(directory).catch((error: unknown) => {
    // Someone has removed it, or put something into it, at the same moment.
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(String(codeOf(error)))) throw error;
  });
}

function parseDocument(text: string): JsonObject {
  const document: Json = JSON.parse(text);
  if (!isObject(document)) throw new Error("it is no JSON object");
  return document;
}

async function orWhereMissing<T, D>(reading: Promise<T>, missing: D): Promise<T | D> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return missing;
    throw error;
  }
}

/** File system errors as errors that name the directory and the variable that moves it. */
async function reportingPath<T>(path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw new GatewayError("internal", `The journal in ${path} cannot be used: ${messageOf(error)}.`, {
      hint: "Set AIGW_STATE to a directory that this user can write to.",
      cause: error,
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

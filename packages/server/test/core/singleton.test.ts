import { expect, onTestFinished, test, vi } from "vitest";
import { singleton } from "../../src/core/singleton.js";

/** A name that no other test uses. */
function freshName(): string {
  const name = crypto.randomUUID();
  onTestFinished(() => {
    Reflect.deleteProperty(globalThis, Symbol.for(`@emlinh/progress-server singleton ${name}`));
  });
  return name;
}

test("given a name twice, makes the value once", () => {
  const name = freshName();
  const make = vi.fn(() => ({}));
  expect(singleton(name, make)).toBe(singleton(name, make));
  expect(make).toHaveBeenCalledOnce();
});

test("given two evaluations of the module, both return the value of the first", async () => {
  const name = freshName();
  const evaluate = async () => {
    vi.resetModules();
    return await import("../../src/core/singleton.js");
  };
  const [first, second] = [await evaluate(), await evaluate()];
  expect(first.singleton).not.toBe(second.singleton);
  const value = first.singleton(name, () => ({}));
  expect(second.singleton(name, () => ({}))).toBe(value);
});

test("given two names, keeps two values", () => {
  expect(singleton(freshName(), () => 1)).toBe(1);
  expect(singleton(freshName(), () => 2)).toBe(2);
});

test("given make that throws, keeps nothing and tries again", () => {
  const name = freshName();
  const fail = (): number => {
    throw new Error("no database");
  };
  expect(() => singleton(name, fail)).toThrow("no database");
  expect(singleton(name, () => 7)).toBe(7);
});

test("given the value undefined, keeps it too", () => {
  const name = freshName();
  const make = vi.fn(() => undefined);
  singleton(name, make);
  singleton(name, make);
  expect(make).toHaveBeenCalledOnce();
});

test("given a wrong name or no function, throws invalid-option", () => {
  expect(() => singleton("", () => 1)).toThrow('singleton: name is ""; it must be a string');
  expect(() => singleton("progress", {} as never)).toThrow("singleton: make is an object");
});

// Markdown by keys: bold, italic, code, strike, link; fences that behave; code that is pasted as code.

import { inFence, lineStart, replaceText } from "./textarea.js";

const AROUND = { b: "**", i: "*", e: "`" };
const SHIFTED = { x: "~~" };
const FENCE = /^ {0,3}(```+|~~~+)[\w+#.-]*$/;
const INDENT = "  ";
const LINK = /^https?:\/\/\S+$/;

export class Formatting {
  constructor(text) {
    this.text = text;
    text.addEventListener("paste", (event) => this.#onPaste(event));
  }

  /** Handle a key; returns whether it was one of these. */
  onKey(event) {
    const { selectionStart: start, selectionEnd: end, value } = this.text;
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const key = event.key.toLowerCase();
      const marks = event.shiftKey ? SHIFTED[key] : AROUND[key];
      if (marks) this.#surround(marks);
      else if (event.shiftKey && key === "l") this.#link("");
      else return false;
    } else if (event.key === "Tab" && inFence(value, start)) this.#indent(start, end, event.shiftKey);
    else if (event.key === "Enter" && !event.shiftKey && !event.altKey && this.#isCode(start)) this.#newLine(start, end);
    else return false;
    event.preventDefault();
    return true;
  }

  #isCode(at) {
    const { value } = this.text;
    const start = lineStart(value, at);
    return inFence(value, at) || (FENCE.test(value.slice(start, at)) && !inFence(value, start));
  }

  /** A line that opens a fence gets the one that closes it; every other keeps the indentation. */
  #newLine(start, end) {
    const { value } = this.text;
    const line = value.slice(lineStart(value, start), start);
    const fence = FENCE.exec(line)?.[1];
    if (fence && !inFence(value, lineStart(value, start)) && !value.slice(end).includes(fence)) {
      replaceText(this.text, `\n\n${fence}`, start, end);
      this.text.setSelectionRange(start + 1, start + 1);
    } else replaceText(this.text, `\n${/^[ \t]*/.exec(line)[0]}`, start, end);
  }

  #indent(start, end, back) {
    const { value } = this.text;
    if (start === end && !back) {
      replaceText(this.text, INDENT, start, end);
      return;
    }
    const from = lineStart(value, start);
    const lines = value.slice(from, end).split("\n");
    const moved = lines.map((line) => (back ? line.replace(/^(?: {1,2}|\t)/, "") : INDENT + line)).join("\n");
    replaceText(this.text, moved, from, end);
    this.text.setSelectionRange(start === end ? from + moved.length : from, from + moved.length);
  }

  /** Put marks around what is chosen; around what has them, take them away. */
  #surround(marks) {
    const { selectionStart: start, selectionEnd: end, value } = this.text;
    const { length } = marks;
    const chosen = value.slice(start, end);
    const isIn = value.slice(start - length, start) === marks && value.slice(end, end + length) === marks;
    if (isIn && !(marks === "*" && value.slice(start - 2, start) === "**")) {
      replaceText(this.text, chosen, start - length, end + length);
      this.text.setSelectionRange(start - length, end - length);
    } else {
      replaceText(this.text, `${marks}${chosen}${marks}`, start, end);
      this.text.setSelectionRange(start + length, end + length);
    }
  }

  #link(address) {
    const { selectionStart: start, selectionEnd: end, value } = this.text;
    const chosen = value.slice(start, end);
    replaceText(this.text, `[${chosen}](${address})`, start, end);
    const at = chosen ? start + chosen.length + 3 : start + 1;
    if (!address) this.text.setSelectionRange(at, at);
  }

  /** An address pasted over words links them; what comes from an editor, in several lines, is code. */
  #onPaste(event) {
    const { clipboardData: data } = event;
    const pasted = data.getData("text/plain");
    const { selectionStart: start, selectionEnd: end, value } = this.text;
    if (inFence(value, start)) return;
    if (start !== end && LINK.test(pasted.trim()) && !value.slice(start, end).includes("\n")) {
      event.preventDefault();
      this.#link(pasted.trim());
    } else if (isCode(data, pasted)) {
      event.preventDefault();
      const fence = pasted.includes("```") ? "~~~" : "```";
      const before = start > lineStart(value, start) ? "\n" : "";
      replaceText(this.text, `${before}${fence}\n${pasted.replace(/\n+$/, "")}\n${fence}\n`, start, end);
    }
  }
}

function isCode(data, pasted) {
  if (!pasted.trim().includes("\n") || data.files.length) return false;
  return data.types.includes("vscode-editor-data") || /^(?:<[^>]*>|\s)*<pre[\s>]/i.test(data.getData("text/html"));
}

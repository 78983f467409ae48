// Fills a <template> that Jinja renders too, by the data-… bindings in it (see templates/parts/message.html).

const BINDINGS = ["data-field", "data-html", "data-attrs", "data-if", "data-each"];

function isEmpty(value) {
  return !value || (Array.isArray(value) && value.length === 0);
}

function fillAttributes(element, view) {
  for (const pair of element.getAttribute("data-attrs").split(" ")) {
    const at = pair.indexOf(":");
    const value = view[pair.slice(at + 1)];
    const name = pair.slice(0, at);
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, String(value));
  }
}

function fillEach(element, view) {
  const model = element.firstElementChild;
  const items = view[element.getAttribute("data-each")].map((item) => fill(model.cloneNode(true), item));
  element.replaceChildren(...items);
}

/** Fill an element and what it holds from a view; returns the element, or null when its own condition fails. */
export function fill(element, view) {
  const condition = element.getAttribute("data-if");
  if (condition && isEmpty(view[condition])) {
    element.remove();
    return null;
  }
  if (element.hasAttribute("data-attrs")) fillAttributes(element, view);
  if (element.hasAttribute("data-each")) fillEach(element, view);
  else for (const child of [...element.children]) fill(child, view);
  if (element.hasAttribute("data-field")) element.textContent = view[element.getAttribute("data-field")] ?? "";
  // The markup was sanitised by the server when the message was written.
  if (element.hasAttribute("data-html")) element.innerHTML = view[element.getAttribute("data-html")];
  for (const binding of BINDINGS) element.removeAttribute(binding);
  return element;
}

/** A new element from the page's template of that id. */
export function render(templateId, view) {
  const template = document.getElementById(templateId);
  return fill(template.content.firstElementChild.cloneNode(true), view);
}

// A day's divider opens a menu of days; its calendar begins at the day that was pressed.

document.addEventListener(
  "click",
  (event) => {
    const day = event.target.closest(".day")?.dataset.day;
    const field = day && document.querySelector("#days input[type='date']");
    if (field) field.value = day;
  },
  true,
);

/** Open the menu of days at the divider nearest to an element, for the keyboard. */
export function openDays(element) {
  const dividers = [...document.querySelectorAll(".stream .day button")];
  const before = (divider) => divider.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
  (dividers.filter(before).pop() ?? dividers[0])?.click();
}

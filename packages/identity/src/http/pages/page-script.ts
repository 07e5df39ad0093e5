/*
 * What a page does better with a script, and does without one as well: a password can be shown while it is typed
 * (ASVS 6.2.6), and times are those of the reader's place. It puts texts into the page and never HTML.
 */
export const pageScript = `
for (const secret of document.querySelectorAll('.secret')) {
  const input = secret.querySelector('input')
  const button = document.createElement('button')
  button.type = 'button'
  button.setAttribute('aria-controls', input.id)
  const show = (isShown) => {
    input.type = isShown ? 'text' : 'password'
    button.textContent = isShown ? secret.dataset.hide : secret.dataset.show
    button.setAttribute('aria-label', isShown ? secret.dataset.hideName : secret.dataset.showName)
  }
  show(false)
  button.addEventListener('click', () => show(input.type === 'password'))
  // What is sent as a text, browsers would offer again.
  input.form.addEventListener('submit', () => show(false))
  secret.append(button)
}
const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' })
for (const time of document.querySelectorAll('time')) time.textContent = moment.format(new Date(time.dateTime))
`

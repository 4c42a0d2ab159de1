#!/usr/bin/env bash
# The completion script completes: commands, groups, options, values.
set -euo pipefail
capstan=$1
source <("$capstan" completion bash)

# completes "typed words" expected…: the last word is the one at the cursor.
completes() {
  local -a typed
  IFS=' ' read -r -a typed <<<"$1"
  [[ $1 == *' ' ]] && typed+=("")
  shift
  COMP_WORDS=("${typed[@]}")
  COMP_CWORD=$((${#typed[@]} - 1))
  COMPREPLY=()
  _capstan
  local wanted
  for wanted in "$@"; do
    if [[ " ${COMPREPLY[*]} " != *" $wanted "* ]]; then
      echo "completing \"${typed[*]}\": expected $wanted, got: ${COMPREPLY[*]}" >&2
      exit 1
    fi
  done
}

completes "capstan st" status
completes "capstan " run check journal demo
completes "capstan journal " ls cat verify export
completes "capstan journal cat --fe" --feed
completes "capstan report " verify prove
completes "capstan report --da" --day
completes "capstan report verify --k" --key
completes "capstan check --l" --live --log-level
completes "capstan status --output " text json
completes "capstan completion " bash zsh fish
if "$capstan" completion bash | grep ' reference' >/dev/null; then echo "a hidden command is shown" >&2; exit 1; fi
for shell in zsh fish; do "$capstan" completion "$shell" | grep until-caught-up >/dev/null; done
if command -v zsh >/dev/null; then "$capstan" completion zsh | zsh -n; fi
if command -v fish >/dev/null; then "$capstan" completion fish | fish -n; fi

#!/bin/sh
# Brings the running shop into a state of the contracts: `states.sh setup STATE`. Each may be asked for again.
set -eu
bin=${TROUPE_BIN:-build/release/bin} shop=${SHOP:-examples/shop/shop.yaml}

call() { "$bin/troupe" call "$shop" "$@" >/dev/null; }

case $2 in
"user exists") # A user's id is the id of the call that registered them.
  call users.register '{"name": "Ada", "email": "ada@shop.example"}' --id 01a206c0-b8fa-7000-8001-65c2ec9e316f
  ;;
"an order of 5 euros is confirmed")
  call inventory.load '{"items": [{"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]}'
  call order_saga.place '{"customer": "ada", "currency": "EUR", "card": "tok_visa",
                          "items": [{"sku": "tea", "quantity": 1}]}'
  ;;
*)
  echo "states.sh: no state \`$2\`" >&2
  exit 1
  ;;
esac

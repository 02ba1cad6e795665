package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Misread says what [json.Unmarshal] found wrong without the words of Go; other errors stay
// as they are.
func Misread(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	found, _, _ := strings.Cut(wrong.Value, " ") // number 5 is a number
	found = map[string]string{"bool": "true or false", "array": "a list", "object": "an object", "number": "a number", "string": "a text"}[found]
	expected := "something else"
	switch wrong.Type.Kind() {
	case reflect.Struct, reflect.Map:
		expected = "an object"
	case reflect.Slice, reflect.Array:
		expected = "a list"
	case reflect.String:
		expected = "a text"
	case reflect.Bool:
		expected = "true or false"
	case reflect.Float64:
		expected = "a number"
	case reflect.Int:
		if expected = "a number"; found == expected {
			expected = "a whole number"
		}
	}
	if wrong.Field == "" {
		return fmt.Errorf("found %s, expected %s", found, expected)
	}
	return fmt.Errorf("%s is %s, expected %s", wrong.Field, found, expected)
}

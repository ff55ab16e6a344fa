package web

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
)

// A field of a request or reply is described by its tags: json names it, doc says
// what it is.

// object is a JSON object; encoding/json sorts its keys.
type object = map[string]any

// OpenAPI describes the operations as an OpenAPI 3.1 document.
func OpenAPI(version string, operations []Operation) []byte {
	paths := object{}
	for _, o := range operations {
		good := object{"description": "the answer", "content": object{"application/json": object{"schema": schema(o.reply)}}}
		if o.reply == reflect.TypeFor[Blob]() {
			good = object{"description": "a file", "content": object{"application/octet-stream": object{}}}
		}
		wrong := func(text string) object {
			return object{"description": text, "content": object{"application/json": object{"schema": schema(reflect.TypeFor[failure]())}}}
		}
		op := object{
			"summary": o.Summary, "operationId": strings.Trim(strings.NewReplacer("/api/", "", "/", "_", ".", "_").Replace(o.Path), "_"),
			"responses": object{
				"200": good, "400": wrong("the request has a mistake"), "413": wrong("the request is too large"), "422": wrong("the question has no answer"),
				"503": wrong("too busy, or it took too long"),
			},
		}
		if o.Method == http.MethodGet {
			var parameters []object
			for f := range fields(o.request) {
				parameters = append(parameters, object{"name": jsonName(f), "in": "query", "description": f.Tag.Get("doc"), "schema": schema(f.Type)})
			}
			op["parameters"] = parameters
		} else {
			op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": schema(o.request)}}}
		}
		paths[o.Path] = object{strings.ToLower(o.Method): op}
	}
	b, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{"title": "servegrid", "version": version,
			"description": "What the page does, for programs. Requests carry the flags of the commands under their names."},
		"paths": paths,
	}, "", " ")
	if err != nil {
		panic(err) // it is made of texts and maps
	}
	return b
}

// schema describes a type as JSON Schema. Types must not contain themselves.
func schema(t reflect.Type) object {
	switch t.Kind() {
	case reflect.Pointer:
		return schema(t.Elem())
	case reflect.Struct:
		properties := object{}
		for f := range fields(t) {
			s := schema(f.Type)
			if text := f.Tag.Get("doc"); text != "" {
				s["description"] = text
			}
			properties[jsonName(f)] = s
		}
		return object{"type": "object", "properties": properties}
	case reflect.Slice:
		if t == reflect.TypeFor[json.RawMessage]() {
			return object{}
		}
		return object{"type": "array", "items": schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schema(t.Elem())}
	case reflect.Interface:
		return object{}
	}
	return object{"type": typeName(t)}
}

// typeName names a JSON type.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	}
	return "string"
}

// fields visits the fields of a struct as JSON has them: those of embedded structs
// among its own.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if !f.Anonymous && f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for f := range fields(t) {
		names = append(names, jsonName(f))
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

{{ resources_of_kind('curriculum/unit') }}
